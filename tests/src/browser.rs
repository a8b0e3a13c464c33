//! What does a person see? A real Chromium with its driver, on ports of their own, and axe-core to look for what keeps people out.

use std::{env, fs, path::PathBuf, process::Command, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    http::Http,
    place::{Port, Scratch},
    process::Process,
    tool, wait,
    webdriver::{Driver, Element, Locator},
};

const START_WAIT_MAX: Duration = Duration::from_secs(60);
const LOOK_WAIT_MAX: Duration = Duration::from_secs(20);
/// How often a page is looked at for what should come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Where screenshots go, if somebody wants to look at them.
const SCREENSHOTS_VARIABLE: &str = "RELEVE_SCREENSHOTS";
/// Names axe-core's script; whoever sets it has fetched it.
const AXE_VARIABLE: &str = "RELEVE_AXE";

/// How a page is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    Desk,
    Dark,
    Phone,
}

impl Look {
    pub const ALL: [Self; 3] = [Self::Desk, Self::Dark, Self::Phone];

    const fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Dark => "dark",
            Self::Phone => "phone",
        }
    }

    const fn width(self) -> u32 {
        if matches!(self, Self::Phone) { 390 } else { 1280 }
    }
}

/// A browser with one window. Closed, with its driver, when dropped.
pub struct Browser {
    driver: Driver,
    axe: String,
    screenshots: Option<PathBuf>,
    downloads: PathBuf,
    _process: Process,
    _port: Port,
    _scratch: Scratch,
}

impl Browser {
    pub async fn start() -> Self {
        let (scratch, port) = (Scratch::new("chromium"), Port::reserve());
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={}", port.number())).arg("--allowed-ips=127.0.0.1").current_dir(scratch.path());
        command.env("HOME", scratch.path()).env("TMPDIR", scratch.path());
        let mut process = Process::spawn("chromedriver", command, scratch.path());
        let driver = Http::new(&format!("http://127.0.0.1:{}", port.number()));
        wait::until("chromedriver answers", START_WAIT_MAX, async || {
            assert!(process.is_running(), "it ended: is chromium-driver installed?\n{}", process.tail());
            driver.try_get("/status").await.filter(|answer| answer.status == 200).map(drop)
        })
        .await;
        let (profile, downloads) = (scratch.dir("profile"), scratch.dir("downloads"));
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(), // the suite may run as root
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments, "prefs": { "download.default_directory": downloads } } });
        let driver = Driver::begin(driver, options).await.unwrap_or_else(|error| panic!("{error}\n{}", process.tail()));
        let screenshots = env::var_os(SCREENSHOTS_VARIABLE).map(PathBuf::from);
        let axe = fs::read_to_string(tool::path(AXE_VARIABLE, "browser/setup")).expect("axe-core's script");
        let _process = process;
        Self { driver, axe, screenshots, downloads, _process, _port: port, _scratch: scratch }
    }

    /// Opens a page, as if its address was typed.
    pub async fn open(&self, url: &str) {
        self.driver.post("url", json!({ "url": url })).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    pub async fn path(&self) -> String {
        let url = self.driver.get("url").await.expect("an address");
        let url: reqwest::Url = url.as_str().and_then(|url| url.parse().ok()).expect("an address");
        url.path().to_owned()
    }

    pub async fn text(&self) -> String {
        self.one("body").await.text().await.expect("its text")
    }

    /// The only or first element that a selector finds, once it is there.
    pub async fn one(&self, css: &str) -> Element {
        match self.sought(Locator::Css(css)).await {
            Some(element) => element,
            None => panic!("{css} is not on\n{}", self.driver.get("source").await.unwrap_or_default()),
        }
    }

    /// The first of what a locator finds, once it is there.
    async fn sought(&self, locator: Locator<'_>) -> Option<Element> {
        let sought = async {
            loop {
                // A page that is being left answers with an error.
                if let Some(first) = self.driver.find(locator).await.unwrap_or_default().into_iter().next() {
                    return first;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(LOOK_WAIT_MAX, sought).await.ok()
    }

    pub async fn has(&self, css: &str) -> bool {
        !self.driver.find(Locator::Css(css)).await.expect("asked").is_empty()
    }

    pub async fn attribute(&self, css: &str, name: &str) -> String {
        self.one(css).await.attribute(name).await.expect("asked")
    }

    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.one(css).await;
        field.clear().await.expect("cleared");
        field.send_keys(text).await.expect("typed");
    }

    /// Sets a field whose keys a browser takes by its language, such as one for a month.
    pub async fn set(&self, css: &str, value: &str) {
        let script = format!("document.querySelector({}).value = {}", json!(css), json!(value));
        self.driver.execute(&script).await.expect("set");
    }

    pub async fn choose(&self, css: &str, value: &str) {
        self.one(&format!("{css} option[value='{value}']")).await.click().await.expect("chosen");
    }

    /// Presses what a selector finds, and waits for the page that it leads to.
    pub async fn press(&self, css: &str) {
        let element = self.one(css).await;
        self.follow(css, element).await;
    }

    /// Presses the link or the button of a name.
    pub async fn press_named(&self, name: &str) {
        let xpath =
            format!("//a[normalize-space()='{name}'] | //button[normalize-space()='{name}' or @aria-label='{name}']");
        match self.sought(Locator::XPath(&xpath)).await {
            Some(element) => self.follow(name, element).await,
            None => panic!("{name} is not on\n{}", self.text().await),
        }
    }

    async fn follow(&self, what: &str, element: Element) {
        let before = self.one("html").await;
        element.click().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        wait::until(&format!("{what} leads to a page"), LOOK_WAIT_MAX, async || {
            let now = self.driver.find(Locator::Css("html")).await.ok()?;
            (now.first()?.id() != before.id()).then_some(())
        })
        .await;
        self.one("footer").await;
    }

    /// The bytes of the file that a link leads to.
    pub async fn downloaded(&self, css: &str) -> Vec<u8> {
        self.one(css).await.click().await.expect("pressed");
        wait::until("a file", LOOK_WAIT_MAX, async || {
            let mut files = fs::read_dir(&self.downloads).expect("a directory").flatten().map(|file| file.path());
            let whole = |path: &PathBuf| path.extension().is_none_or(|end| end != "crdownload");
            let path = files.find(whole)?;
            let bytes = fs::read(&path).ok().filter(|bytes| !bytes.is_empty())?;
            // The next one that is asked for is the only one there.
            fs::remove_file(&path).expect("it is ours");
            Some(bytes)
        })
        .await
    }

    /// Loads the page again until its text holds something.
    pub async fn reload_until(&self, text: &str, deadline: Duration) {
        self.reload(&format!("'{text}'"), deadline, |shown| shown.contains(text)).await;
    }

    async fn reload(&self, what: &str, deadline: Duration, is_there: impl Fn(&str) -> bool) {
        wait::until(&format!("{what} on {}", self.path().await), deadline, async || {
            self.driver.post("refresh", json!({})).await.expect("loads again");
            is_there(&self.text().await).then_some(())
        })
        .await;
    }

    /// Where the links of the page lead, as paths of this server.
    pub async fn links(&self) -> Vec<String> {
        let all =
            "return [...document.links].filter(a => a.origin === location.origin).map(a => a.pathname + a.search)";
        let found = self.driver.execute(all).await.expect("links");
        found.as_array().expect("a list").iter().filter_map(|to| to.as_str().map(str::to_owned)).collect()
    }

    /// Loads the page again until its text no longer holds something.
    pub async fn reload_until_not(&self, text: &str, deadline: Duration) {
        self.reload(&format!("no '{text}'"), deadline, |shown| !shown.contains(text)).await;
    }

    /// Forgets who is signed in.
    pub async fn forget(&self) {
        self.driver.delete("cookie").await.expect("forgotten");
    }

    /// Fails if axe-core finds anything that keeps people out of the page that is open: of all its rules.
    pub async fn is_accessible(&self) {
        self.driver.execute(&self.axe).await.expect("axe-core loads");
        let run = "const done = arguments[arguments.length - 1]; axe.run(document).then(r => done(r.violations.map(v => \
            `${v.id} (${v.impact}): ${v.help}: ` + v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary).join(' | '))), e => done([String(e)]))";
        let found = self.driver.execute_async(run).await.expect("axe-core runs");
        assert_eq!(found, json!([]), "{} keeps people out", self.path().await);
    }

    /// Looks at the page that is open as on a desk, in the dark or on a phone, and fails if it is wider than the window.
    pub async fn look(&self, look: Look) {
        let dark = if look == Look::Dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": dark }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let size =
            json!({ "width": look.width(), "height": 900, "deviceScaleFactor": 1, "mobile": look == Look::Phone });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let width = self.driver.execute("return document.documentElement.scrollWidth").await.expect("a width");
        assert!(
            width.as_u64().is_some_and(|width| width <= u64::from(look.width())),
            "{} is {width} wide {look:?}",
            self.path().await
        );
    }

    /// Keeps a picture of the whole page, if somebody wants to look at them.
    pub async fn picture(&self, name: &str, look: Look) {
        let Some(dir) = &self.screenshots else { return };
        fs::create_dir_all(dir).expect("a directory for screenshots");
        let shot =
            self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "format": "png" })).await;
        let bytes = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        fs::write(dir.join(format!("{name}-{}.png", look.name())), bytes).expect("written");
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let told = self.driver.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
        told.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Ends the session. Without it, the browser ends with its driver.
    pub async fn close(self) {
        self.driver.delete("").await.expect("closes");
    }
}
