//! What travels when one comes for the first time.

use serde_json::json;

use super::demo::demo;
use super::driver::{Browser, Look};

#[test]
fn the_first_view_is_one_page_one_stylesheet_one_script_and_light() {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    browser.go("/et/login");
    let came = browser
        .script("return performance.getEntriesByType('resource').map(p => p.name.split('.').pop()).sort()", vec![]);
    // The icon of the browser's tab comes when the browser has time for it.
    assert!(came == json!(["css", "js", "svg"]) || came == json!(["css", "js"]), "{came}");
    let bytes = browser.script(
        "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]\
         .reduce((sum, p) => sum + p.transferSize, 0)",
        vec![],
    );
    let bytes = bytes.as_u64().unwrap();
    assert!(bytes < 60 * 1024, "{bytes} bytes for a first view");
    browser.go("/en/login");
    let again = browser
        .script("return performance.getEntriesByType('resource').reduce((sum, p) => sum + p.transferSize, 0)", vec![]);
    assert_eq!(again, 0, "the stylesheet and the script are kept by the browser");
}
