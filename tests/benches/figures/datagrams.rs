//! How many datagrams the monitor takes on one core: from the socket to the
//! state of the host, thresholds looked at.

use std::{
    cell::Cell,
    error::Error,
    io::IoSliceMut,
    net::UdpSocket,
    os::fd::AsRawFd as _,
    time::{Duration, Instant, SystemTime},
};

use annunciator::Engine;
use annunciator_monitor::{Location, Receiver, Running, start};
use annunciator_protocol::{Datagram, Event, Key};
use annunciator_testkit::rig::Rig;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, setsockopt, sockopt};
use ring::hmac;
use secrecy::SecretString;
use tokio::runtime;

use super::{
    Rows,
    sample::{Sample, alternate, per_second},
    table::Row,
};

const RUNS: usize = 15;
/// Datagrams that fit into the socket's buffer at once.
const BURST: usize = 200;
const BURSTS: usize = 100;
const HOSTS: usize = 100;
/// As many as `hbc` sends on a machine with a few file systems.
const METRICS: usize = 13;
/// Datagrams that the bare loop takes with one call, as many as the monitor
/// takes together.
const BATCH: usize = 64;
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The trailing part of a signed datagram: `,"hmac":"`, 64 digits, `"}`.
const TAIL: usize = 75;

const LEAST: f64 = 0.3;
const LEAST_SIGNED: f64 = 0.7;

pub(crate) fn rows() -> Rows {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let signed = Monitor::start(&runtime, true)?;
    let plain = Monitor::start(&runtime, false)?;
    let bare = Source::new(true)?;
    let pair = alternate(RUNS, || signed.rate(), || bare_rate(&bare))?;
    let kinds = alternate(RUNS, || signed.rate(), || plain.rate())?;
    let rate = |sample: &Sample| format!("{sample:.0} a second");
    Ok(vec![
        Row::with_target(
            "signed datagrams with 13 metrics, from the socket to the host's state, one thread",
            "at least 0.3",
            pair.ratio.median() >= LEAST,
        )
        .measured(rate(&pair.ours))
        .compared(format!(
            "a bare `recvmmsg` loop that verifies the signature: {}",
            rate(&pair.theirs)
        ))
        .ratio(pair.ratio.to_string()),
        Row::with_target(
            "the same, compared with plain ones",
            "at least 0.7",
            kinds.ratio.median() >= LEAST_SIGNED,
        )
        .measured(rate(&kinds.ours))
        .compared(format!("plain: {}", rate(&kinds.theirs)))
        .ratio(kinds.ratio.to_string()),
    ])
}

/// Sends bursts to a socket.
struct Source {
    to: UdpSocket,
    from: UdpSocket,
    key: Option<Key>,
    counter: Cell<u64>,
}

impl Source {
    fn new(signed: bool) -> Result<Self, Box<dyn Error>> {
        let to = UdpSocket::bind("127.0.0.1:0")?;
        // More than the system gives to everybody, where that is allowed.
        let _ = setsockopt(&to, sockopt::RcvBufForce, &(8 << 20));
        to.set_read_timeout(Some(Duration::from_secs(1)))?;
        let from = UdpSocket::bind("127.0.0.1:0")?;
        from.connect(to.local_addr()?)?;
        Ok(Self {
            to,
            from,
            key: signed.then(key).transpose()?,
            counter: Cell::new(0),
        })
    }

    /// Datagrams that wait in the socket's buffer when this returns.
    fn burst(&self) -> Result<(), Box<dyn Error>> {
        for _ in 0..BURST {
            let number = self.counter.replace(self.counter.get() + 1);
            let bytes = datagram(number)?.encode(self.key.as_ref())?;
            self.from.send(&bytes)?;
        }
        Ok(())
    }

    /// How many a second are taken by `take`, which empties the socket.
    fn rate(
        &self,
        mut take: impl FnMut(&UdpSocket) -> Result<(), Box<dyn Error>>,
    ) -> Result<f64, Box<dyn Error>> {
        let mut took = Duration::ZERO;
        for _ in 0..BURSTS {
            self.burst()?;
            let began = Instant::now();
            take(&self.to)?;
            took += began.elapsed();
        }
        Ok(per_second(u32::try_from(BURST * BURSTS)?, took))
    }
}

fn key() -> Result<Key, Box<dyn Error>> {
    Ok(Key::new("k1", &SecretString::from(SECRET))?)
}

fn datagram(number: u64) -> Result<Datagram, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let hosts = u64::try_from(HOSTS)?;
    let value = |i: usize| 40.0 + (number % 17) as f64 + i as f64 / 10.0;
    Ok(Datagram {
        host: format!("host-{:02}", number % hosts).into(),
        boot: "8c1f0bd2-6f3c-4f43-9f43-6f6a4e4c1b11".into(),
        counter: 1 + number / hosts,
        sent_at_ms: i64::try_from(now.as_millis())?,
        event: Event::Heartbeat,
        interval: Some(Duration::from_secs(10)),
        metrics: (0..METRICS)
            .map(|i| (format!("monitor_{}.metric_{i}", i % 4).into(), value(i)))
            .collect(),
        signed: false,
    })
}

/// The monitor, and a socket from which it is made to take.
struct Monitor {
    source: Source,
    running: Running,
    _rig: Rig,
}

impl Monitor {
    fn start(runtime: &runtime::Runtime, signed: bool) -> Result<Self, Box<dyn Error>> {
        let rig = Rig::new(&["fixture-steady"])?;
        let keys = if signed {
            format!("[{{id: k1, secret: {SECRET}}}]")
        } else {
            "[]".to_owned()
        };
        let mut yaml = format!(
            "notification_channels: {{a: {{type: steady}}}}
default_notification_channels: [a]
monitor: {{listen: ['127.0.0.1:0'], state: ':memory:', keys: {keys}}}
threshold_configs:
  high: {{monitor_0.metric_0: {{warning: '> 80', critical: '> 90'}}, monitor_1.*: {{warning: '> 85'}}}}
hosts:
"
        );
        for host in 0..HOSTS {
            yaml += &format!("  host-{host:02}: {{watch: true, threshold_config: high}}\n");
        }
        let builder = annunciator_monitor::declare(rig.configured(&yaml)?);
        let engine: Engine = runtime.block_on(builder.start())?;
        let monitor = annunciator_monitor::MonitorConfig::of(&engine.config());
        Ok(Self {
            source: Source::new(signed)?,
            running: runtime.block_on(start(engine, monitor, &Location::Memory, || {}))?,
            _rig: rig,
        })
    }

    fn rate(&self) -> Result<f64, Box<dyn Error>> {
        let core = self.running.monitor();
        let mut receiver = Receiver::default();
        let mut wanted = core.refusals().accepted_count();
        self.source.rate(|socket| {
            wanted += u64::try_from(BURST)?;
            while core.refusals().accepted_count() < wanted {
                let before = core.refusals().accepted_count();
                receiver.receive(socket, core)?;
                if core.refusals().accepted_count() == before {
                    let refused: Vec<_> = core.refusals().counts().collect();
                    return Err(format!("datagrams were lost or refused: {refused:?}").into());
                }
            }
            Ok(())
        })
    }
}

/// Takes with `recvmmsg` and verifies, and does nothing else.
fn bare_rate(source: &Source) -> Result<f64, Box<dyn Error>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let mut buffers = vec![[0_u8; 1201]; BATCH];
    source.rate(|socket| {
        let mut taken = 0;
        while taken < BURST {
            // Of each call: nix binds them to what was received.
            let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
            let mut slices: Vec<_> = buffers
                .iter_mut()
                .map(|buffer| [IoSliceMut::new(buffer)])
                .collect();
            let flags = MsgFlags::MSG_DONTWAIT;
            let messages = recvmmsg(
                socket.as_raw_fd(),
                &mut headers,
                slices.iter_mut(),
                flags,
                None,
            )?;
            for message in messages {
                let bytes = message.iovs().next().unwrap_or_default();
                let Some((signed, tail)) = bytes.split_at_checked(bytes.len().saturating_sub(TAIL))
                else {
                    return Err("a datagram is too short".into());
                };
                let mut tag = [0; 32];
                for (byte, digits) in tag.iter_mut().zip(tail[9..73].chunks_exact(2)) {
                    *byte = digit(digits[0]) << 4 | digit(digits[1]);
                }
                hmac::verify(&key, signed, &tag).map_err(|_| "a signature is wrong")?;
                taken += 1;
            }
        }
        Ok(())
    })
}

fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        _ => character.wrapping_sub(b'a').wrapping_add(10),
    }
}
