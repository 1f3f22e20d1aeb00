//! axe-core looks at a page. It is not ours and not kept here: `scripts/test` fetches it and names it in
//! `ANDMEKOGU_TEST_AXE`.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::driver::Browser;
use super::missing;

/// WCAG 2.2 at level AA, and what axe holds for good practice besides.
const RULES: &[&str] = &["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

fn source() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let Ok(file) = std::env::var("ANDMEKOGU_TEST_AXE") else {
            missing("ANDMEKOGU_TEST_AXE names no axe-core");
            return None;
        };
        Some(std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("ANDMEKOGU_TEST_AXE: {file}: {e}")))
    };
    SOURCE.get_or_init(read).as_deref()
}

/// Whether axe is here; said aloud where it is not.
pub fn is_here() -> bool {
    source().is_some()
}

/// Every rule of axe.
pub fn everything(browser: &Browser) -> Vec<String> {
    run(browser, &json!({ "runOnly": { "type": "tag", "values": RULES } }))
}

/// The rule that another theme can break.
pub fn contrast(browser: &Browser) -> Vec<String> {
    run(browser, &json!({ "runOnly": { "type": "rule", "values": ["color-contrast"] } }))
}

/// What axe finds: rule, element, what to do.
fn run(browser: &Browser, options: &Value) -> Vec<String> {
    let Some(source) = source() else { return Vec::new() };
    if browser.script("return typeof axe", vec![]) == "undefined" {
        browser.script(&format!("{source}; window.axe = axe;"), vec![]);
    }
    let found = browser.script_later(
        "const found = await axe.run(document, Object.assign({resultTypes: ['violations']}, arguments[0])); \
         return found.violations.flatMap(v => v.nodes.map(n => v.id + ' at ' + n.target.join(' ') + ': ' \
         + n.failureSummary.replace(/\\s+/g, ' ') + ' ' + n.html.slice(0, 160)))",
        vec![options.clone()],
    );
    found.as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect()
}
