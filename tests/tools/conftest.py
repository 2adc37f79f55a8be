"""Runs of the real program for other tools to read, and a real browser without a network."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/hourglass"
# Where the program is run: not in the checkout, which no test may depend on or change.
_WORKPLACE = tempfile.TemporaryDirectory(prefix="hourglass-tools-")
WORKPLACE = pathlib.Path(_WORKPLACE.name)
for name in ["configs", "data"]:
    (WORKPLACE / name).symlink_to(ROOT / name)
# Pictures of pages are left here, for people to look at.
SCREENSHOTS = os.environ.get("HOURGLASS_SCREENSHOTS")


def hourglass(*arguments):
    """Runs the program and gives its standard output."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], cwd=WORKPLACE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Trains an experiment with some overrides, once, and gives its run directory."""
    directory = tmp_path_factory.mktemp("runs")

    @functools.cache
    def train(config, *overrides):
        run = directory / f"run-{len(list(directory.iterdir()))}"
        settings = [f"--set={override}" for override in overrides]
        hourglass("train", "--quiet", f"--config=configs/{config}.toml", *settings, f"--out={run}")
        return run

    return train


@pytest.fixture(scope="session")
def page_of(runs):
    """The file of the page of a run, as `runs` names it."""

    @functools.cache
    def make(config, *overrides, weights=None):
        run = runs(config, *overrides)
        out = run / f"page-{weights}.html"
        more = [f"--weights={weights}"] if weights else []
        hourglass("report", run, f"--out={out}", *more)
        return out

    return make


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium, without a window."""
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    assert program, "there is no Chromium here; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


# Before any script of the page: how much its layout moves, and how long it works before each picture on the screen.
WATCH = """
window.watched = { shift: 0, frames: [], handlers: [], alerts: 0, violations: [] };
window.alert = () => window.watched.alerts += 1;
document.addEventListener("securitypolicyviolation", (event) => {
  window.watched.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.watched.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
const listen = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (kind, work, ...more) {
  const timed = kind !== "pointermove" ? work : (event) => {
    const begun = performance.now();
    work(event);
    window.watched.handlers.push(performance.now() - begun);
  };
  listen.call(this, kind, timed, ...more);
};
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (work) => ask((time) => {
  const begun = performance.now();
  work(time);
  window.watched.frames.push(performance.now() - begun);
});
"""


class Opened:
    """A page that was opened from disk, and what happened there."""

    def __init__(self, page, file, is_whole=True):
        self.page = page
        self.complaints = []
        self.requests = []
        self.answers = []
        page.on("console", lambda message: self.complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", lambda response: self.answers.append(response.url))
        page.add_init_script(WATCH)
        page.goto(file.as_uri())
        if is_whole:
            page.wait_for_selector("#check[data-result]")
            self.settle()

    def complain(self, kind, text):
        # The page never reads a canvas back while it draws; these tests do.
        if kind in ("error", "warning") and "readback" not in text:
            self.complaints.append(text)

    def settle(self):
        """Waits until two pictures were drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def pixels(self, canvas):
        """The grey values of a canvas."""
        self.settle()
        script = """(canvas) => Array.from(
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
        ).filter((_, i) => i % 4 === 0)"""
        return self.page.locator(canvas).evaluate(script)

    def code(self):
        """What the sliders of the code say."""
        self.settle()
        return self.page.locator("#sliders input").evaluate_all("(all) => all.map((each) => each.valueAsNumber)")

    def check(self):
        """What the page found when it ran its test vectors: `passed` or `failed`, and the largest difference."""
        data = self.page.locator("#check").evaluate("(line) => ({ ...line.dataset })")
        return data["result"], float(data["largestDifference"])

    def watched(self):
        return self.page.evaluate("window.watched")

    def stroke(self, points):
        """Draws on the pad through points that are shares of its sides."""
        box = self.page.locator("#pad").bounding_box()
        for index, (x, y) in enumerate(points):
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
            if index == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def screenshot(self, name, whole=True):
        if SCREENSHOTS:
            pathlib.Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{SCREENSHOTS}/{name}.png", full_page=whole)


DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


@pytest.fixture
def opened(chromium):
    """Opens a file from disk with networking denied."""
    contexts = []

    def open_file(file, is_whole=True, **settings):
        context = chromium.new_context(offline=True, **(DESKTOP | settings))
        contexts.append(context)
        return Opened(context.new_page(), file, is_whole)

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def summary_of():
    return lambda run: json.loads((run / "summary.json").read_text())
