//! The HTTP side of the real `hbd`: the first page, notifications and pings over HTTP, event
//! streams, and what all of it takes in memory.

use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Instant,
};

use annunciator::{Engine, Route, store::SqliteStore};
use annunciator_testkit::{artefacts::executable, rig::Rig};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Client;
use serde_json::json;
use tokio::{
    runtime::{self, Runtime},
    task::JoinSet,
};

use super::{
    Rows, channels,
    child::Running,
    http,
    sample::{Pair, Sample, alternate, per_second, repeat},
    table::Row,
};

const RUNS: usize = 7;
const IN_FLIGHT: u32 = 32;
const REQUESTS: u32 = IN_FLIGHT * 150;
const HOSTS: usize = 10_000;
const INCIDENTS: u32 = 500;
const STREAMS: usize = 200;
const PLUGIN: &str = "fixture-steady";
const KEY: &str = "0a0b0c0d0e0f0a0b0c0d0e0f";
const CHANNEL: &str = "notification_channels: {ops: {type: steady, text: x}}
default_notification_channels: [ops]
";

pub(crate) fn rows() -> Rows {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = vec![];
    rows.extend(first_page(&runtime)?);
    rows.push(notifications(&runtime)?);
    rows.push(pings(&runtime)?);
    rows.extend(streams(&runtime)?);
    rows.extend(footprint()?);
    Ok(rows)
}

/// A running `hbd` that serves its pages.
struct Monitor {
    _rig: Rig,
    child: Child,
    url: String,
    token: String,
}

impl Monitor {
    /// Starts one with these hosts; without `web` there is no page, no address and no token.
    fn start(hosts: usize, has_web: bool) -> Result<Self, Box<dyn Error>> {
        let rig = Rig::new(&[PLUGIN])?;
        let folder = rig.folder().display().to_string();
        let web = if has_web {
            "web: {listen: '127.0.0.1:0'}\n"
        } else {
            ""
        };
        let names = (0..hosts).map(|number| format!("  host-{number:05}: {{watch: true}}\n"));
        let yaml = format!(
            "{CHANNEL}{web}monitor:
  listen: ['127.0.0.1:0']
  state: {folder}/state.sqlite
  control: {folder}/control.sock
  ping_keys: [{{key: {KEY}}}]
hosts:
  job: {{watch: true, interval: 1d}}
{}",
            names.collect::<String>()
        );
        let _ = rig.exactly(&yaml)?;
        let hbd = executable("hbd")?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&hbd);
            command
                .args(arguments)
                .env("HBD_CONFIG", rig.file())
                .env("ANNUNCIATOR_PLUGIN_DIR", rig.plugins());
            command
        };
        let mut child = command(&["run"]).stderr(Stdio::piped()).spawn()?;
        let log = BufReader::new(child.stderr.take().ok_or("hbd has no log")?);
        let wanted = match has_web {
            true => "the API is served",
            false => "heartbeats are received",
        };
        let mut lines = log.lines();
        let line = loop {
            let line = lines.next().ok_or("hbd ended at once")??;
            if line.contains(wanted) {
                break line;
            }
        };
        // Nobody reads the rest, and a full pipe would hold up the log.
        std::thread::spawn(move || lines.for_each(drop));
        let url = line
            .rsplit_once("address=")
            .map(|(_, address)| address.trim());
        let url = format!("http://{}", url.unwrap_or_default());
        let token = match has_web {
            true => {
                command(&["token", "add", "bench", "--scope", "act"])
                    .output()?
                    .stdout
            }
            false => Vec::new(),
        };
        let token = String::from_utf8(token)?.trim().to_owned();
        Ok(Self {
            _rig: rig,
            child,
            url,
            token,
        })
    }

    /// Its resident memory, in megabytes.
    fn resident(&self) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = kilobytes.ok_or("no VmRSS")?.parse()?;
        Ok(kilobytes * 1_024.0 / 1e6)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap_or_default();
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Sends requests, `IN_FLIGHT` of them at a time, and returns how many were answered in a second.
fn load(
    runtime: &Runtime,
    client: &Client,
    count: u32,
    request: impl Fn(&Client, u32) -> reqwest::RequestBuilder + Send + Sync + 'static,
) -> Result<f64, Box<dyn Error>> {
    let request = Arc::new(request);
    runtime.block_on(async {
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for sender in 0..IN_FLIGHT {
            let (client, request) = (client.clone(), Arc::clone(&request));
            senders.spawn(async move {
                for number in 0..count / IN_FLIGHT {
                    let sent = request(&client, sender * count + number).send().await?;
                    sent.error_for_status()?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(per_second(count, start.elapsed()))
    })
}

/// A request that notifies people of a problem of its own.
fn notify(
    client: &Client,
    url: &str,
    token: &str,
    incident: Option<u32>,
) -> reqwest::RequestBuilder {
    let mut body = json!({
        "message": "CPU at 95 % for ten minutes; the five busiest processes are rustc, rustc, ld, \
                    postgres and node. The threshold is 90 %.",
        "title": "prod-web-01 is busy",
        "severity": "critical",
    });
    if let Some(incident) = incident {
        body["kind"] = json!("problem");
        body["incident"] = json!(format!("incident-{incident}"));
    }
    client
        .post(format!("{url}/api/v1/notifications"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(body.to_string())
}

fn first_page(runtime: &Runtime) -> Rows {
    let monitor = Monitor::start(HOSTS, true)?;
    let client = http::client()?;
    let (url, token) = (monitor.url.clone(), monitor.token.clone());
    let each = move |client: &Client, number| notify(client, &url, &token, Some(number));
    load(
        runtime,
        &client,
        INCIDENTS / IN_FLIGHT * IN_FLIGHT + IN_FLIGHT,
        each,
    )?;
    let mut length = 0;
    let took = repeat(50, || {
        runtime.block_on(async {
            let start = Instant::now();
            let page = client
                .get(format!("{}/", monitor.url))
                .bearer_auth(&monitor.token);
            let page = page.header("accept", "text/html").send().await?;
            length = page.error_for_status()?.text().await?.len();
            Ok::<_, reqwest::Error>(start.elapsed().as_secs_f64() * 1e3)
        })
    })?;
    let kilobytes = length as f64 / 1e3;
    Ok(vec![
        Row::with_target(
            "the first page with 10,000 hosts and 512 open incidents: from request to its end",
            "under 20 ms",
            took.median() < 20.0,
        )
        .measured(format!("{took:.1} ms")),
        Row::with_target(
            "its length, not compressed",
            "under 200 kB",
            kilobytes < 200.0,
        )
        .measured(format!("{kilobytes:.0} kB")),
    ])
}

fn notifications(runtime: &Runtime) -> Result<Row, Box<dyn Error>> {
    let monitor = Monitor::start(0, true)?;
    let rig = Rig::new(&[PLUGIN])?;
    let store = Arc::new(SqliteStore::open(rig.folder().join("outbox.sqlite"))?);
    let engine = runtime.block_on(rig.exactly(CHANNEL)?.store(store).start())?;
    let client = http::client()?;
    let pair = alternate(
        RUNS,
        || {
            let (url, token) = (monitor.url.clone(), monitor.token.clone());
            load(runtime, &client, REQUESTS, move |client, _| {
                notify(client, &url, &token, None)
            })
        },
        || submit(runtime, &engine),
    )?;
    Ok(pair_row(
        "notifications accepted durably by `POST /notifications`, 32 callers",
        "`submit` in the program, with such a store",
        0.5,
        &pair,
    ))
}

fn submit(runtime: &Runtime, engine: &Engine) -> Result<f64, Box<dyn Error>> {
    runtime.block_on(async {
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            let engine = engine.clone();
            senders.spawn(async move {
                for _ in 0..REQUESTS / IN_FLIGHT {
                    let accepted = engine
                        .submit(Route::Defaults, channels::notification(), None)
                        .await;
                    accepted.map_err(|error| error.to_string())?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(per_second(REQUESTS, start.elapsed()))
    })
}

fn pings(runtime: &Runtime) -> Result<Row, Box<dyn Error>> {
    let monitor = Monitor::start(0, true)?;
    let mut sink = Running::start("sink", &[])?;
    let bare = format!("http://127.0.0.1:{}/", sink.line()?);
    let client = http::client()?;
    let ping = format!("{}/ping/{KEY}/job", monitor.url);
    let get = |url: &str| {
        let url = url.to_owned();
        move |client: &Client, _| client.get(&url)
    };
    let pair = alternate(
        RUNS,
        || load(runtime, &client, REQUESTS, get(&ping)),
        || load(runtime, &client, REQUESTS, get(&bare)),
    )?;
    Ok(pair_row(
        "pings of a job over HTTP, 32 connections",
        "a bare hyper server that answers `ok`",
        0.5,
        &pair,
    ))
}

fn pair_row(what: &str, other: &str, least: f64, pair: &Pair) -> Row {
    Row::with_target(
        what,
        &format!("at least {least}"),
        pair.ratio.median() >= least,
    )
    .measured(format!("{:.0} a second", pair.ours))
    .compared(format!("{other}: {:.0} a second", pair.theirs))
    .ratio(format!("{:.2}", pair.ratio))
}

fn streams(runtime: &Runtime) -> Rows {
    let (plain, watched) = (Monitor::start(0, true)?, Monitor::start(0, true)?);
    let client = http::client()?;
    let send = |monitor: &Monitor| {
        let (url, token) = (monitor.url.clone(), monitor.token.clone());
        load(runtime, &client, REQUESTS / 4, move |client, _| {
            notify(client, &url, &token, None)
        })
    };
    // Both have done the same before the streams are opened.
    send(&plain)?;
    send(&watched)?;
    let before = watched.resident()?;
    let mut open = JoinSet::new();
    let reading: Result<(), Box<dyn Error>> = runtime.block_on(async {
        for _ in 0..STREAMS {
            let events = client.get(format!("{}/api/v1/events", watched.url));
            let mut events = events
                .bearer_auth(&watched.token)
                .send()
                .await?
                .error_for_status()?;
            open.spawn(async move { while let Ok(Some(_)) = events.chunk().await {} });
        }
        Ok(())
    });
    reading?;
    let pair = alternate(RUNS, || send(&watched), || send(&plain))?;
    let grown = watched.resident()? - plain.resident()?;
    let grown_first = watched.resident()? - before;
    drop(open);
    Ok(vec![
        Row::with_target(
            "200 event streams that follow them: notifications by `POST /notifications`",
            "at least 0.9",
            pair.ratio.median() >= 0.9,
        )
        .measured(format!("{:.0} a second", pair.ours))
        .compared(format!("no stream: {:.0} a second", pair.theirs))
        .ratio(format!("{:.2}", pair.ratio)),
        Row::with_target(
            "what they add to resident memory",
            "under 20 MB",
            grown < 20.0,
        )
        .measured(format!("{grown:.1} MB"))
        .compared(format!("since before them: {grown_first:.1} MB")),
    ])
}

fn footprint() -> Rows {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        for (has_web, found) in [(true, &mut with), (false, &mut without)] {
            let monitor = Monitor::start(0, has_web)?;
            std::thread::sleep(std::time::Duration::from_secs(1));
            found.push(monitor.resident()?);
        }
    }
    let (with, without) = (Sample::new(with), Sample::new(without));
    let more = with.median() - without.median();
    let hbd: PathBuf = executable("hbd")?;
    let size = fs::metadata(&hbd)?.len() as f64 / 1e6;
    Ok(vec![
        Row::with_target(
            "`hbd` idle with its page on: resident memory",
            "under 4 MB more",
            more < 4.0,
        )
        .measured(format!("{with:.1} MB"))
        .compared(format!("off: {without:.1} MB"))
        .ratio(format!("+{more:.1} MB")),
        Row::for_scale("`hbd` itself, as it is built in release mode")
            .measured(format!("{size:.1} MB")),
    ])
}
