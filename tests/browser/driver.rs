//! A browser as a person uses it: it looks for what is written on the page, clicks, types, and is counted.

use std::cell::Cell;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::background::Background;
use super::missing;

pub use fantoccini::key::Key;

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The one chromedriver of the suite.
struct Chromedriver {
    address: String,
    _process: Background,
}

/// The first of these programs that is here and runs.
fn program(names: &[&str]) -> Option<String> {
    let runs = |name: &&&str| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    names.iter().find(runs).map(|name| (*name).to_owned())
}

/// The browser's program.
fn chromium() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND.get_or_init(|| program(&["chromium", "chromium-browser", "google-chrome"])).as_deref()
}

fn chromedriver() -> Option<&'static str> {
    static STARTED: OnceLock<Option<Chromedriver>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let name =
            program(&["chromedriver", "/usr/lib/chromium-browser/chromedriver", "/usr/lib/chromium/chromedriver"])?;
        let (process, port) = Background::start(&[&name, "--port=0"], &[], |line| {
            line.split("successfully on port ").nth(1).map(|rest| rest.trim_end_matches('.').to_owned())
        });
        Some(Chromedriver { address: format!("http://127.0.0.1:{port}"), _process: process })
    });
    started.as_ref().map(|c| c.address.as_str())
}

/// How the page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub scripts: bool,
}

impl Look {
    pub const WIDE: Self = Self { width: 1440, height: 900, dark: false, scripts: true };
    pub const DARK: Self = Self { dark: true, ..Self::WIDE };
    pub const PHONE: Self = Self { width: 390, height: 844, ..Self::WIDE };
    pub const WITHOUT_SCRIPTS: Self = Self { scripts: false, ..Self::WIDE };
}

/// A way to find something on the page.
#[derive(Debug, Clone)]
pub enum By {
    Css(String),
    XPath(String),
}

/// By a selector.
pub fn css(selector: &str) -> By {
    By::Css(selector.to_owned())
}

/// A text in XPath 1.0, which has no escapes.
fn literal(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

/// A link or button by what is written on it (or said of it to those who cannot see it): the page's own before those of
/// the frame around it.
pub fn said(text: &str) -> By {
    let text = literal(text);
    let own = format!(
        "//*[self::a or self::button or self::summary][contains(normalize-space(.), {text}) or contains(@aria-label, {text})]"
    );
    By::XPath(format!("(//main{own})[1] | (//body[not(//main{own})]{own})[1]"))
}

/// A field by its label; a radio button or a tick too.
pub fn field(label: &str) -> By {
    let text = literal(label);
    let labels = format!("//label[contains(normalize-space(.), {text})]");
    By::XPath(format!(
        "//*[@id = {labels}/@for] | {labels}//*[self::input or self::select or self::textarea] \
         | //*[self::input or self::select or self::textarea][contains(@aria-label, {text})]"
    ))
}

/// A browser with a session of its own.
pub struct Browser {
    client: Client,
    runtime: tokio::runtime::Runtime,
    agent: ureq::Agent,
    session: String,
    /// The server's address.
    pub base: String,
    clicks: Cell<usize>,
    keys: Cell<usize>,
}

impl Browser {
    /// Opens a browser on the server at `base`; nothing, said aloud, where there is none.
    pub fn open(base: &str, look: Look) -> Option<Self> {
        let (Some(chromium), Some(driver)) = (chromium(), chromedriver()) else {
            missing("chromium or chromedriver is not installed");
            return None;
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut arguments = vec![
            format!("--window-size={},{}", look.width, look.height),
            "--headless=new".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--no-default-browser-check".into(),
            "--force-device-scale-factor=1".into(),
            "--hide-scrollbars".into(),
            "--lang=et".into(),
        ];
        // Root, as in most containers, has no sandbox to be in.
        if chromium_is_run_by_root() {
            arguments.push("--no-sandbox".into());
        }
        let mut preferences = json!({ "intl.accept_languages": "et", "credentials_enable_service": false,
            "profile.password_manager_leak_detection": false });
        if !look.scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let binary = program_path(chromium);
        let wanted = json!({
            "goog:chromeOptions": { "args": arguments, "binary": binary, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
            "unhandledPromptBehavior": "accept",
        });
        let client = runtime
            .block_on(
                ClientBuilder::new(HttpConnector::new())
                    .capabilities(wanted.as_object().unwrap().clone())
                    .connect(driver),
            )
            .expect("a browser opens");
        let session = runtime.block_on(client.session_id()).unwrap().unwrap();
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().into();
        let base = base.trim_end_matches('/').to_owned();
        let browser = Self {
            client,
            runtime,
            agent,
            session: format!("{driver}/session/{session}"),
            base,
            clicks: Cell::new(0),
            keys: Cell::new(0),
        };
        browser.look(look);
        Some(browser)
    }

    // ---- what chromedriver adds to WebDriver ----

    fn ask(&self, what: &str, body: &Value) -> Value {
        let mut answer = self.agent.post(format!("{}/{what}", self.session)).send_json(body).unwrap();
        answer.body_mut().with_config().limit(1 << 26).read_json::<Value>().unwrap()["value"].take()
    }

    /// A command of Chromium's own protocol.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Size, colours.
    pub fn look(&self, look: Look) {
        self.viewport(look.width, look.height, 1.0);
        let scheme = if look.dark { "dark" } else { "light" };
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme },
                                  { "name": "prefers-reduced-motion", "value": "reduce" }] }),
        );
    }

    /// The page's width and height in CSS pixels, each drawn `zoom` pixels wide: what zooming in does.
    pub fn viewport(&self, width: u32, height: u32, zoom: f64) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": zoom, "mobile": false }),
        );
    }

    /// What the console said since it was asked last: faults of scripts, of the policy for content, of the network.
    pub fn console(&self) -> Vec<String> {
        let said = self.ask("se/log", &json!({ "type": "browser" }));
        let text = |line: &Value| format!("{}: {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap());
        said.as_array().unwrap().iter().filter(|l| l["level"] != "DEBUG" && l["level"] != "INFO").map(text).collect()
    }

    // ---- counting ----

    /// Starts counting anew.
    pub fn count_from_here(&self) {
        self.clicks.set(0);
        self.keys.set(0);
    }

    /// Clicks and presses of Enter since then.
    pub fn clicks(&self) -> usize {
        self.clicks.get()
    }

    /// Other keys since then.
    pub fn keys(&self) -> usize {
        self.keys.get()
    }

    fn counted(&self, clicks: usize, keys: usize) {
        self.clicks.set(self.clicks.get() + clicks);
        self.keys.set(self.keys.get() + keys);
    }

    // ---- moving ----

    /// Opens a path of the server.
    pub fn go(&self, path: &str) {
        self.wait(self.client.goto(&format!("{}{path}", self.base)));
    }

    pub fn back(&self) {
        self.wait(self.client.back());
    }

    pub fn reload(&self) {
        self.wait(self.client.refresh());
    }

    /// The path and query on which one is.
    pub fn path(&self) -> String {
        let url = self.wait(self.client.current_url());
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Opens a second tab and goes there; gives the first one's handle.
    pub fn new_tab(&self) -> fantoccini::wd::WindowHandle {
        let first = self.wait(self.client.window());
        let new = self.wait(self.client.new_window(true));
        self.switch_to(new.handle);
        first
    }

    pub fn switch_to(&self, tab: fantoccini::wd::WindowHandle) {
        self.wait(self.client.switch_to_window(tab));
    }

    /// Logs in by the login page; not counted.
    pub fn log_in(&self, name: &str, password: &str) {
        let (clicks, keys) = (self.clicks.get(), self.keys.get());
        self.wait(self.client.delete_all_cookies());
        self.go("/et/login");
        self.fill(&css("[name=username]"), name);
        self.fill(&css("[name=password]"), password);
        self.press(Key::Enter);
        self.until("the login page is left", || !self.path().starts_with("/et/login"));
        self.clicks.set(clicks);
        self.keys.set(keys);
    }

    // ---- doing ----

    fn wait<T, E: std::fmt::Debug>(&self, future: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(future).unwrap_or_else(|e| panic!("at {}: {e:?}", self.whereabouts()))
    }

    fn whereabouts(&self) -> String {
        self.runtime.block_on(self.client.current_url()).map_or_else(|_| "nowhere".to_owned(), |url| url.to_string())
    }

    /// Waits until something is so.
    pub fn until(&self, what: &str, so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < end, "at {}: {what}, but it is not so:\n{}", self.whereabouts(), self.words());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Does something with an element as soon as that is possible.
    fn with<T>(&self, by: &By, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let done = self.runtime.block_on(async { act(self.client.find(locator(by)).await?).await });
            match done {
                Ok(done) => return done,
                Err(e) if Instant::now() > end => {
                    panic!("at {}: {by:?}: {e}\n{}", self.whereabouts(), self.words())
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Clicks.
    pub fn click(&self, by: &By) {
        self.with(by, async |element| element.click().await);
        self.counted(1, 0);
    }

    /// Clicks twice, as fast as a nervous finger.
    pub fn click_twice(&self, by: &By) {
        let element = self.with(by, async |element| Ok(element.element_id().to_string()));
        let action = |kind: &str| json!({ "type": kind, "button": 0 });
        let path = json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": { ELEMENT: element } });
        let steps = [path, action("pointerDown"), action("pointerUp"), action("pointerDown"), action("pointerUp")];
        let mouse =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": steps });
        self.ask("actions", &json!({ "actions": [mouse] }));
        self.counted(2, 0);
    }

    /// Clears a field and types into it. The way there is one key: Tab.
    pub fn fill(&self, by: &By, text: &str) {
        self.with(by, async |element| {
            element.clear().await?;
            element.send_keys(text).await
        });
        self.counted(0, 1 + text.chars().count());
    }

    /// Puts a file into a field; one click, as the browser's own dialog is not ours.
    pub fn attach(&self, by: &By, file: &std::path::Path) {
        self.with(by, async |element| element.send_keys(file.to_str().unwrap()).await);
        self.counted(1, 0);
    }

    /// Chooses an option of a list. With the keyboard that is Tab and the first letters of what it says.
    pub fn pick(&self, option: &By) {
        self.with(option, async |element| element.click().await);
        self.counted(0, 4);
    }

    /// Presses a key where the focus is.
    pub fn press(&self, key: Key) {
        self.type_here(&char::from(key).to_string());
    }

    /// Presses Enter where the focus is, and waits for the page it leads to: the next keys are meant for that one.
    pub fn enter(&self) {
        self.script("window.before = true", vec![]);
        self.press(Key::Enter);
        self.until("another page comes", || {
            let come = "return !window.before && document.readyState === 'complete'";
            self.runtime.block_on(self.client.execute(come, vec![])).is_ok_and(|come| come == true)
        });
    }

    /// Types where the focus is, key by key; Enter counts as a click.
    pub fn type_here(&self, text: &str) {
        let mut keys = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            keys = keys.then(KeyAction::Down { value }).then(KeyAction::Up { value });
            let enter = value == char::from(Key::Enter) || value == '\n';
            self.counted(usize::from(enter), usize::from(!enter));
        }
        self.wait(self.client.perform_actions(keys));
    }

    // ---- looking ----

    /// Waits until something is on the page.
    pub fn sees(&self, by: &By) {
        self.with(by, async |element| element.tag_name().await);
    }

    /// Waits until a text is on the page.
    pub fn reads(&self, text: &str) {
        self.until(&format!("the page says {text:?}"), || self.words().contains(text));
    }

    /// Whether something is on the page now.
    pub fn has(&self, by: &By) -> bool {
        !self.wait(self.client.find_all(locator(by))).is_empty()
    }

    /// How many there are of something.
    pub fn count(&self, by: &By) -> usize {
        self.wait(self.client.find_all(locator(by))).len()
    }

    pub fn text(&self, by: &By) -> String {
        self.with(by, async |element| element.text().await)
    }

    /// What a field holds.
    pub fn value(&self, by: &By) -> String {
        self.with(by, async |element| element.prop("value").await).unwrap_or_default()
    }

    pub fn attribute(&self, by: &By, name: &str) -> Option<String> {
        self.with(by, async |element| element.attr(name).await)
    }

    /// All words of the page as a person reads them.
    pub fn words(&self) -> String {
        let body = async { self.client.find(Locator::Css("body")).await?.text().await };
        self.runtime.block_on(body).unwrap_or_default()
    }

    pub fn title(&self) -> String {
        self.wait(self.client.title())
    }

    /// Runs a script for the test's own eyes; works without the page's scripts too.
    pub fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.wait(self.client.execute(script, arguments))
    }

    /// The same, for scripts that give a promise.
    pub fn script_later(&self, script: &str, arguments: Vec<Value>) -> Value {
        let whole = format!(
            "const done = arguments[arguments.length - 1]; (async function () {{ {script} }}).apply(null, arguments)\
             .then(done, e => done({{ failed: String(e) }}));"
        );
        let answer = self.wait(self.client.execute_async(&whole, arguments));
        assert!(answer.get("failed").is_none(), "at {}: {}", self.whereabouts(), answer["failed"]);
        answer
    }

    /// What has the focus, told shortly: tag, id or name, text.
    pub fn focus(&self) -> String {
        let told = self.script(
            "const e = document.activeElement; return [e.tagName.toLowerCase(), e.id || e.name || '', \
             (e.innerText || e.value || '').trim().slice(0, 60)].join(' ')",
            vec![],
        );
        told.as_str().unwrap().to_owned()
    }

    /// The whole page as a PNG.
    pub fn picture(&self, whole: bool) -> Vec<u8> {
        use base64::Engine as _;
        if !whole {
            return self.wait(self.client.screenshot());
        }
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png", "captureBeyondViewport": true }));
        base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }
}

fn locator(by: &By) -> Locator<'_> {
    match by {
        By::Css(selector) => Locator::Css(selector),
        By::XPath(path) => Locator::XPath(path),
    }
}

/// Whether we are root.
fn chromium_is_run_by_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

/// Where a program is; chromedriver wants to know exactly.
fn program_path(name: &str) -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|f| f.join(name)).find(|p| p.is_file()).unwrap_or_else(|| name.into())
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
            if let Ok(png) = self.runtime.block_on(self.client.screenshot())
                && std::fs::write(&file, png).is_ok()
            {
                eprintln!("what the browser showed: {}", file.display());
            }
        }
        drop(self.runtime.block_on(self.client.clone().close()));
    }
}
