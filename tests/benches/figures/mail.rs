//! Mails over ten connections to Postfix's `smtp-sink`, through the email
//! plugin and by Postfix's own `smtp-source`.

use std::{
    env,
    error::Error,
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use annunciator_testkit::{
    rig::Rig,
    smtp::{Mode, SmtpServer},
};
use nix::unistd::Uid;
use tokio::runtime::{self, Runtime};

use super::{
    Rows, channels,
    sample::{alternate, per_second},
    table::Row,
};

const RUNS: usize = 11;
const CONNECTIONS: u32 = 10;
/// More than there are connections, so that each always has a mail to carry.
const IN_FLIGHT: u32 = 32;
const MAILS: u32 = IN_FLIGHT * 400;
const LEAST_RATIO: f64 = 0.5;
const WHAT: &str = "mails over 10 connections to `smtp-sink`, email plugin";

pub(crate) fn rows() -> Rows {
    let (Some(sink), Some(source)) = (program("smtp-sink"), program("smtp-source")) else {
        let why = "smtp-sink is not installed (Debian: postfix)";
        return Ok(vec![Row::skipped(WHAT, why)]);
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let size = size(&runtime)?;
    let sink = Sink::start(&sink)?;
    let rig = Rig::new(&["annunciator-email"])?;
    let engine = runtime.block_on(rig.start(&definition(sink.port)))?;
    let pair = alternate(
        RUNS,
        || channels::deliver(&runtime, &engine, MAILS, IN_FLIGHT),
        || by_source(&source, sink.port, size),
    )?;
    let met = pair.ratio.median() >= LEAST_RATIO;
    Ok(vec![
        Row::with_target(WHAT, "at least 0.5", met)
            .measured(format!("{:.0} a second", pair.ours))
            .compared(format!(
                "`smtp-source -d -s 10`, {size} bytes too: {:.0} a second",
                pair.theirs
            ))
            .ratio(format!("{:.2}", pair.ratio)),
    ])
}

fn definition(port: u16) -> String {
    format!(
        "notification_channels: {{{}: {{type: email, recipients: [ops@example.com], \
         sender: heartbeat@example.com, smtp_server: 127.0.0.1, smtp_port: {port}, \
         smtp_tls: none, connections: {CONNECTIONS}}}}}\n",
        channels::NAME
    )
}

/// How large the plugin's mail is.
fn size(runtime: &Runtime) -> Result<usize, Box<dyn Error>> {
    runtime.block_on(async {
        let server = SmtpServer::builder().mode(Mode::Plain).start().await?;
        let rig = Rig::new(&["annunciator-email"])?;
        let engine = rig.start(&definition(server.port())).await?;
        engine
            .notify_channels(&[channels::NAME], channels::notification())
            .await?;
        let mails = server.wait_for(1).await;
        let mail = mails.first().ok_or("no mail arrived")?;
        Ok(mail.data.len())
    })
}

fn by_source(source: &PathBuf, port: u16, size: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let status = Command::new(source)
        .args(["-d", "-s", &CONNECTIONS.to_string()])
        .args(["-m", &MAILS.to_string(), "-l", &size.to_string()])
        .args(["-f", "heartbeat@example.com", "-t", "ops@example.com"])
        .arg(format!("inet:127.0.0.1:{port}"))
        .status()?;
    if !status.success() {
        return Err("smtp-source failed".into());
    }
    Ok(per_second(MAILS, start.elapsed()))
}

/// Debian keeps them where only administrators look.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// A running `smtp-sink`, ended when this is dropped.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start(program: &PathBuf) -> io::Result<Self> {
        // It cannot choose a port itself.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let mut command = Command::new(program);
        // It wants to be told whom to become when root starts it.
        if Uid::effective().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .args([format!("inet:127.0.0.1:{port}"), "128".to_owned()])
            .stdout(Stdio::null())
            .spawn()?;
        let sink = Self { child, port };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > end {
                return Err(io::Error::other("smtp-sink does not listen"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
