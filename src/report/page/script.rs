//! The page's script and style as one text each, and the policy that lets a browser run these and nothing else.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The modules of the script, each after those that it imports.
const MODULES: [&str; 12] = [
    include_str!("web/payload.js"),
    include_str!("web/dom.js"),
    include_str!("web/network.js"),
    include_str!("web/check.js"),
    include_str!("web/digit.js"),
    include_str!("web/chart.js"),
    include_str!("web/codec.js"),
    include_str!("web/play.js"),
    include_str!("web/blend.js"),
    include_str!("web/map.js"),
    include_str!("web/regions.js"),
    include_str!("web/main.js"),
];

/// The style.
pub const STYLE: &str = include_str!("web/page.css");

/// The script.
pub static SCRIPT: LazyLock<String> =
    LazyLock::new(|| MODULES.map(without_module_syntax).join("\n"));

/// One file has room for one module, so imports and the word `export` go. The names of all modules then share a
/// scope; two that are alike would be a syntax error in every browser.
fn without_module_syntax(module: &str) -> String {
    let mut is_import = false;
    let mut text = String::with_capacity(module.len());
    for line in module.lines() {
        is_import |= line.starts_with("import ");
        if is_import {
            is_import = !line.ends_with(';');
            continue;
        }
        text.push_str(line.strip_prefix("export ").unwrap_or(line));
        text.push('\n');
    }
    text
}

/// A `Content-Security-Policy`: this script, this style, pictures within the page; no network, no other code.
pub fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        source(&SCRIPT),
        source(STYLE)
    )
}

/// A text as such a policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_syntax_goes_and_the_rest_stays() {
        let module = "/** One. */\nimport { a } from \"./a.js\";\nimport {\n  b,\n} from \"./b.js\";\n\nexport function f() {\n  return \"import x\";\n}\nexport const c = 1;\n";
        assert_eq!(
            without_module_syntax(module),
            "/** One. */\n\nfunction f() {\n  return \"import x\";\n}\nconst c = 1;\n"
        );
        let begins = |word: &str| SCRIPT.lines().any(|line| line.starts_with(word));
        assert!(!begins("import ") && !begins("export "));
    }

    /// What is in an element of HTML ends where its end tag stands, whatever the language says.
    #[test]
    fn nothing_in_script_or_style_ends_their_elements() {
        for text in [&**SCRIPT, STYLE] {
            assert!(!text.contains("</") && !text.contains("<!--"));
        }
    }
}
