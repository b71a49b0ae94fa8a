//! Notifications to a web server through the Mattermost plugin, against the
//! same requests by reqwest alone with the same settings.

use std::{
    error::Error,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use annunciator::Engine;
use annunciator_testkit::rig::Rig;
use reqwest::{
    Client,
    header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use rustls::{ClientConfig, RootCertStore};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    runtime::{self, Runtime},
    task::JoinSet,
};

use super::{
    Rows, channels,
    child::Running,
    sample::{Pair, alternate, per_second},
    table::Row,
};

const RUNS: usize = 11;
const IN_FLIGHT: u32 = 32;
const REQUESTS: u32 = IN_FLIGHT * 300;
const LEAST_RATIO: f64 = 0.8;

pub(crate) fn rows() -> Rows {
    let many = runtime::Builder::new_multi_thread().enable_all().build()?;
    let one = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let several = compare(&many)?;
    let single = compare(&one)?;
    let row = |row: Row, pair: &Pair| {
        row.measured(format!("{:.0} a second", pair.ours))
            .compared(format!("reqwest alone: {:.0} a second", pair.theirs))
            .ratio(format!("{:.2}", pair.ratio))
    };
    let met = several.ratio.median() >= LEAST_RATIO;
    Ok(vec![
        row(
            Row::with_target(
                "32 notifications in flight to a web server, Mattermost plugin",
                "at least 0.8",
                met,
            ),
            &several,
        ),
        row(
            Row::for_scale("the same in a program whose runtime has one thread"),
            &single,
        ),
    ])
}

fn compare(runtime: &Runtime) -> Result<Pair, Box<dyn Error>> {
    let mut sink = Running::start("sink", &[])?;
    let port = sink.line()?;
    let request = Arc::new(capture(runtime)?);
    let rig = Rig::new(&["annunciator-mattermost"])?;
    let engine = runtime.block_on(rig.start(&definition(&port)))?;
    let client = client()?;
    let url = format!("http://127.0.0.1:{port}{}", request.path);
    alternate(
        RUNS,
        || channels::deliver(runtime, &engine, REQUESTS, IN_FLIGHT),
        || bare(runtime, &client, &url, &request),
    )
}

pub(super) fn definition(port: &str) -> String {
    format!(
        "notification_channels: {{{}: {{type: mattermost, host: 'http://127.0.0.1:{port}', \
         token: abcdefghijklmnopqrstuvwxyz, channel: town-square, username: heartbeat-bot}}}}\n",
        channels::NAME
    )
}

/// A request as the plugin makes it.
struct Captured {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Lets the engine make one request, and keeps it.
fn capture(runtime: &Runtime) -> Result<Captured, Box<dyn Error>> {
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port().to_string();
        let rig = Rig::new(&["annunciator-mattermost"])?;
        let engine: Engine = rig.start(&definition(&port)).await?;
        let notified = tokio::spawn(async move {
            let _ = engine
                .notify_channels(&[channels::NAME], channels::notification())
                .await;
        });
        let (mut stream, _) = listener.accept().await?;
        let mut bytes = Vec::new();
        let captured = loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err("the request broke off".into());
            }
            if let Some(captured) = parse(&bytes)? {
                break captured;
            }
        };
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await?;
        notified.await?;
        Ok(captured)
    })
}

fn parse(bytes: &[u8]) -> Result<Option<Captured>, Box<dyn Error>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.insert(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_str(value)?,
        );
    }
    let length = headers.remove(CONTENT_LENGTH);
    let length: usize = length.map_or(Ok(0), |value| value.to_str().unwrap_or("0").parse())?;
    // The client writes these two itself.
    headers.remove(HOST);
    let body = bytes[end + 4..].to_vec();
    Ok((body.len() >= length).then(|| Captured {
        path: path.unwrap_or("/").to_owned(),
        headers,
        body,
    }))
}

/// A client with the settings of the engine's own.
pub(super) fn client() -> Result<Client, Box<dyn Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(10))
        .redirect(redirect::Policy::none())
        .referer(false)
        .build()?)
}

fn bare(
    runtime: &Runtime,
    client: &Client,
    url: &str,
    request: &Arc<Captured>,
) -> Result<f64, Box<dyn Error>> {
    runtime.block_on(async {
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            let (client, url, request) = (client.clone(), url.to_owned(), Arc::clone(request));
            senders.spawn(async move {
                for _ in 0..REQUESTS / IN_FLIGHT {
                    let response = client
                        .post(&url)
                        .timeout(Duration::from_secs(30))
                        .headers(request.headers.clone())
                        .body(request.body.clone())
                        .send()
                        .await?;
                    response.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(per_second(REQUESTS, start.elapsed()))
    })
}
