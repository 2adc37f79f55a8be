//! Progress of work on examples on the standard error stream, where it takes long enough to be worth a word.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::text::thousands;

/// What is done sooner is not spoken of.
const WORTH_A_WORD: Duration = Duration::from_millis(500);
/// Without a terminal, long work still says that it lives, this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Shows how far work has come: a bar on a terminal, lines elsewhere.
pub struct Reading {
    /// What is done, such as `reading examples`.
    what: &'static str,
    quiet: bool,
    bar: Option<ProgressBar>,
    began: Instant,
    last_line: Instant,
}

impl Reading {
    /// Shows nothing when `quiet`.
    pub fn new(what: &'static str, quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            what,
            quiet,
            bar: None,
            began: now,
            last_line: now,
        }
    }

    /// Takes note that `done` examples are done, of `total` if that is known.
    pub fn on(&mut self, done: usize, total: Option<usize>) {
        if self.quiet || self.began.elapsed() < WORTH_A_WORD {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let (bar, template) = match total {
                    Some(total) => (
                        ProgressBar::new(total as u64),
                        "{msg}  {bar:28.cyan/dim} {percent:>3} %  {human_pos} of {human_len}, {per_sec}, {eta} left",
                    ),
                    None => (ProgressBar::no_length(), "{msg}  {spinner} {human_pos}, {per_sec}"),
                };
                let style = ProgressStyle::with_template(template);
                let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.with_message(self.what).with_elapsed(self.began.elapsed())
            });
            if let Some(total) = total {
                bar.set_length(total as u64);
            }
            bar.set_position(done as u64);
        } else if self.last_line.elapsed() >= SIGN_OF_LIFE {
            let of = total.map_or_else(String::new, |total| {
                format!(" of {}", thousands(total as u64))
            });
            let _ = writeln!(
                std::io::stderr(),
                "{}: {}{of}",
                self.what,
                thousands(done as u64)
            );
            self.last_line = Instant::now();
        }
    }
}

/// However the work ends, the bar does not stay.
impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
