//! Somebody with a browser that has no script: they follow links, fill in forms and read what stands on the page.

use std::cell::RefCell;
use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Node, Selector};

use super::{Harness, PASSWORD};

/// A browser without a script.
pub struct Visitor {
    agent: ureq::Agent,
    base: String,
    cookie: RefCell<Option<String>>,
    /// Language of the pages.
    pub lang: &'static str,
}

/// A page as it came.
pub struct Seen {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// Where it was, after redirects, with the query.
    pub path: String,
    pub html: String,
}

/// A form of a page, filled in as the page has it.
#[derive(Debug, Clone)]
pub struct Filled {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Filled {
    /// With a field set to a value, in the place of whatever it had.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(n, _)| n != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one more value of a name: another box ticked, a button pressed.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl Seen {
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.path, self.text());
        self
    }

    fn dom(&self) -> Html {
        Html::parse_document(&self.html)
    }

    /// What a reader reads within `main`, in one line.
    pub fn text(&self) -> String {
        self.text_of("main").unwrap_or_default()
    }

    /// The text of the first element, in one line.
    pub fn text_of(&self, selector: &str) -> Option<String> {
        self.all(selector).into_iter().next()
    }

    /// The texts of all such elements.
    pub fn all(&self, selector: &str) -> Vec<String> {
        let dom = self.dom();
        dom.select(&Selector::parse(selector).unwrap()).map(one_line).collect()
    }

    /// An attribute of all such elements.
    pub fn attributes(&self, selector: &str, attribute: &str) -> Vec<String> {
        let dom = self.dom();
        let selector = Selector::parse(selector).unwrap();
        let found = dom.select(&selector);
        found.filter_map(|e| e.value().attr(attribute).map(str::to_owned)).collect()
    }

    /// Where the link with this text leads.
    pub fn link(&self, text: &str) -> String {
        let dom = self.dom();
        let links = Selector::parse("a[href]").unwrap();
        let found = dom
            .select(&links)
            .find(|a| one_line(*a) == text)
            .or_else(|| dom.select(&links).find(|a| one_line(*a).contains(text)));
        found
            .and_then(|a| a.value().attr("href"))
            .unwrap_or_else(|| panic!("no link {text:?} on {}: {}", self.path, self.text()))
            .to_owned()
    }

    /// The form that goes to the address `action`, or else to one that ends with it, or else contains it, as it
    /// stands on the page.
    pub fn form(&self, action: &str) -> Filled {
        let dom = self.dom();
        let all = Selector::parse("form").unwrap();
        let goes = |fits: fn(&str, &str) -> bool| {
            dom.select(&all).find(|f| fits(f.value().attr("action").unwrap_or(&self.path), action))
        };
        let found = goes(|to, action| to == action)
            .or_else(|| goes(|to, action| to.ends_with(action)))
            .or_else(|| goes(|to, action| to.contains(action)))
            .unwrap_or_else(|| panic!("no form to {action:?} on {}: {}", self.path, self.text()));
        self.filled(found)
    }

    /// The form that has a control of this name.
    pub fn form_with(&self, name: &str) -> Filled {
        let dom = self.dom();
        let found = dom
            .select(&Selector::parse(&format!("form:has([name='{name}'])")).unwrap())
            .next()
            .unwrap_or_else(|| panic!("no form with {name:?} on {}: {}", self.path, self.text()));
        self.filled(found)
    }

    fn filled(&self, found: ElementRef<'_>) -> Filled {
        let mut fields = Vec::new();
        for e in found.select(&Selector::parse("input[name], textarea[name], select[name]").unwrap()) {
            let name = e.value().attr("name").unwrap().to_owned();
            let value = e.value().attr("value").unwrap_or_default().to_owned();
            match (e.value().name(), e.value().attr("type").unwrap_or("text")) {
                ("textarea", _) => fields.push((name, e.text().collect())),
                ("select", _) => {
                    let options = Selector::parse("option").unwrap();
                    let chosen = e.select(&options).find(|o| o.value().attr("selected").is_some());
                    if let Some(option) = chosen.or_else(|| e.select(&options).next()) {
                        let text = option.text().collect::<String>().trim().to_owned();
                        fields.push((name, option.value().attr("value").map_or(text, str::to_owned)));
                    }
                }
                (_, "checkbox" | "radio") => {
                    if e.value().attr("checked").is_some() {
                        fields.push((name, e.value().attr("value").unwrap_or("on").to_owned()));
                    }
                }
                (_, "submit" | "file" | "image") => {}
                _ => fields.push((name, value)),
            }
        }
        let action = found.value().attr("action").filter(|a| !a.is_empty()).unwrap_or(&self.path).to_owned();
        Filled { action, fields }
    }
}

/// The text as a reader reads it: what stands in different cells, paragraphs or items are different words.
fn one_line(e: ElementRef<'_>) -> String {
    const INLINE: [&str; 14] =
        ["a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "mark", "span", "strong", "sub", "time"];
    fn read(e: ElementRef<'_>, text: &mut String) {
        for child in e.children() {
            match (ElementRef::wrap(child), child.value()) {
                (Some(within), _) if INLINE.contains(&within.value().name()) => read(within, text),
                (Some(within), _) => {
                    text.push(' ');
                    read(within, text);
                    text.push(' ');
                }
                (None, Node::Text(part)) => text.push_str(part),
                (None, _) => {}
            }
        }
    }
    let mut text = String::new();
    read(e, &mut text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Harness {
    /// Somebody at the door.
    pub fn visitor(&self) -> Visitor {
        Visitor::at(self.nobody().base.trim_end_matches("/api/v1"))
    }

    /// A user who has logged in at the login page.
    pub fn visit_as(&self, user: &str) -> Visitor {
        let visitor = self.visitor();
        visitor.login(user, PASSWORD).expect(200);
        visitor
    }
}

impl Visitor {
    /// Somebody at the door of the server at `base`.
    pub fn at(base: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { agent, base: base.to_owned(), cookie: RefCell::new(None), lang: "et" }
    }

    /// Logs in at the login page and follows where it leads.
    pub fn login(&self, user: &str, password: &str) -> Seen {
        let form = self.get("/login").form("/login");
        self.send(&form.set("username", user).set("password", password))
    }

    /// Opens an address (after the language, or whole) and follows redirects.
    pub fn get(&self, path: &str) -> Seen {
        self.follow("GET", &self.whole(path), None, &[])
    }

    /// Sends a form and follows redirects.
    pub fn send(&self, form: &Filled) -> Seen {
        self.follow("POST", &form.action, Some(encoded(&form.fields)), &[])
    }

    /// Sends anything, and follows no redirect.
    pub fn raw(&self, method: &str, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Seen {
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = (method == "POST").then(|| encoded(&fields));
        self.once(method, &self.whole(path), body, headers)
    }

    /// Sends a form with files as `multipart/form-data` and follows redirects.
    pub fn upload(&self, form: &Filled, files: &[(&str, &str, &[u8])]) -> Seen {
        const EDGE: &str = "----andmekogu-edge";
        let mut body = Vec::new();
        for (name, value) in &form.fields {
            body.extend(
                format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        for (field, name, bytes) in files {
            body.extend(
                format!(
                    "--{EDGE}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                     Content-Type: application/octet-stream\r\n\r\n"
                )
                .bytes(),
            );
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{EDGE}--\r\n").bytes());
        let media = format!("multipart/form-data; boundary={EDGE}");
        self.follow("POST", &form.action, Some(body), &[("Content-Type", &media)])
    }

    fn whole(&self, path: &str) -> String {
        let spoken = ["/et", "/en", "/fi", "/sv"].iter().any(|l| path == *l || path.starts_with(&format!("{l}/")));
        let unspoken = ["/static/", "/api/", "/sitemap", "/robots.txt", "/catalogue.", "/processing.csv"];
        if path == "/" || spoken || unspoken.iter().any(|begin| path.starts_with(begin)) {
            path.to_owned()
        } else {
            format!("/{}{path}", self.lang)
        }
    }

    fn follow(&self, method: &str, path: &str, body: Option<Vec<u8>>, headers: &[(&str, &str)]) -> Seen {
        let mut seen = self.once(method, path, body, headers);
        for _ in 0..5 {
            let Some(to) = seen.headers.get("location").filter(|_| seen.status == 303).cloned() else { break };
            seen = self.once("GET", &to, None, &[]);
        }
        seen
    }

    fn once(&self, method: &str, path: &str, body: Option<Vec<u8>>, headers: &[(&str, &str)]) -> Seen {
        let (path, _) = path.split_once('#').unwrap_or((path, ""));
        let url = format!("{}{path}", self.base);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        if let Some(cookie) = &*self.cookie.borrow() {
            request = request.header("Cookie", cookie);
        }
        if body.is_some() && !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type")) {
            request = request.header("Content-Type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let result = match body {
            Some(bytes) => self.agent.run(request.body(bytes).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = result.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers: BTreeMap<String, String> = response
            .headers()
            .iter()
            .map(|(k, v)| (k.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        if let Some(set) = headers.get("set-cookie") {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            *self.cookie.borrow_mut() = (!pair.ends_with('=')).then_some(pair);
        }
        let bytes = response.body_mut().with_config().limit(1 << 28).read_to_vec().unwrap();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Seen { status: response.status().as_u16(), headers, path: path.to_owned(), html }
    }
}

fn encoded(fields: &[(String, String)]) -> Vec<u8> {
    let text = |t: &str| andmekogu::web::context::percent_encoded(t);
    fields.iter().map(|(n, v)| format!("{}={}", text(n), text(v))).collect::<Vec<_>>().join("&").into_bytes()
}
