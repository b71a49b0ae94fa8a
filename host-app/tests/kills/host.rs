//! A simulated host: it goes through one phase after the other, each until the monitor has
//! recorded its message, since a real host's state would last, too.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use annunciator_protocol::{Datagram, Event};

use super::records::Records;

const CPU: &str = "cpu_monitor.cpu_percent";
/// For how many reads of the records a silent host stays silent, so that the silence lasts
/// over some kills.
const RESTS: u32 = 20;

/// What a host is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing: it sends heartbeats.
    Idle,
    /// It has a new boot id.
    Booting,
    /// It is silent, until it is overdue.
    Silent,
    /// It is silent, people were notified, and it stays silent for a while.
    Resting,
    /// It sends again.
    Back,
    /// A metric is too high.
    Hot,
    /// The metric is well again.
    Cool,
    /// It reports a problem in its own words.
    Trouble,
    /// It announces a shutdown, and then is down.
    Shutdown,
}

/// A host.
pub struct Host {
    pub name: String,
    pub phase: Phase,
    /// How many messages of each text are expected.
    pub expected: BTreeMap<String, u64>,
    /// It finishes what it is about, and then only sends heartbeats.
    pub begin_nothing: bool,
    socket: UdpSocket,
    to: SocketAddr,
    boot: u32,
    counter: u64,
    cycle: u32,
    rests: u32,
    /// What it waits for.
    awaited: String,
    /// What is sent again and again, the same bytes.
    repeated: Vec<u8>,
}

impl Host {
    pub fn new(name: &str, to: SocketAddr) -> Self {
        let mut host = Self {
            name: name.to_owned(),
            phase: Phase::Idle,
            expected: BTreeMap::new(),
            begin_nothing: false,
            socket: UdpSocket::bind("127.0.0.1:0").unwrap(),
            to,
            boot: 0,
            counter: 0,
            cycle: 0,
            rests: 0,
            awaited: String::new(),
            repeated: Vec::new(),
        };
        host.begin(Phase::Booting);
        host
    }

    /// Sends what it has to say, and goes on when the monitor knows it.
    pub fn act(&mut self, records: &Records) {
        match self.phase {
            Phase::Silent | Phase::Resting => {}
            Phase::Trouble | Phase::Shutdown => self.send(&self.repeated),
            phase => {
                let mut datagram = self.datagram(match phase {
                    Phase::Booting => Event::Boot,
                    _ => Event::Heartbeat,
                });
                let value = match phase {
                    Phase::Hot => Some(self.hot()),
                    Phase::Cool => Some(self.cool()),
                    _ => None,
                };
                datagram
                    .metrics
                    .extend(value.map(|value| (CPU.into(), value)));
                self.send(&datagram.encode(None).unwrap());
            }
        }
        let written = records
            .texts
            .get(&self.awaited)
            .copied()
            .unwrap_or_default();
        let expected = self
            .expected
            .get(&self.awaited)
            .copied()
            .unwrap_or_default();
        if self.phase != Phase::Resting && written.count >= expected {
            self.go_on();
        } else if self.phase == Phase::Resting {
            self.rests += 1;
            if self.rests >= RESTS || self.begin_nothing {
                self.go_on();
            }
        }
    }

    fn go_on(&mut self) {
        let next = match self.phase {
            Phase::Booting => Phase::Silent,
            Phase::Silent => Phase::Resting,
            Phase::Resting => Phase::Back,
            Phase::Back => Phase::Hot,
            Phase::Hot => Phase::Cool,
            Phase::Cool => Phase::Trouble,
            Phase::Trouble => Phase::Shutdown,
            Phase::Shutdown => Phase::Booting,
            Phase::Idle => return,
        };
        let ended = matches!(
            self.phase,
            Phase::Booting | Phase::Back | Phase::Cool | Phase::Trouble
        );
        if self.begin_nothing && ended {
            self.phase = Phase::Idle;
        } else {
            self.begin(next);
        }
    }

    fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        let name = &self.name;
        let awaited = match phase {
            Phase::Idle | Phase::Resting => {
                self.rests = 0;
                return;
            }
            Phase::Booting => {
                self.boot += 1;
                self.cycle += 1;
                format!("{name} booted")
            }
            Phase::Silent => format!("{name} IPv4 overdue"),
            Phase::Back => format!("{name} IPv4 is back"),
            Phase::Hot => {
                let value = self.hot();
                format!("CRITICAL: {name} - {CPU} = {value:?} (threshold: > 90.0)")
            }
            Phase::Cool => {
                let value = self.cool();
                format!("OK: {name} - {CPU} = {value:?} (threshold: > 90.0)")
            }
            Phase::Trouble => {
                let trouble = format!("has trouble {}", self.cycle);
                let datagram = self.datagram(Event::Message(trouble.clone()));
                self.repeated = datagram.encode(None).unwrap();
                format!("{} {trouble}", self.name)
            }
            Phase::Shutdown => {
                let datagram = self.datagram(Event::Shutdown { expected: None });
                self.repeated = datagram.encode(None).unwrap();
                format!("{} IPv4 shutdown", self.name)
            }
        };
        *self.expected.entry(awaited.clone()).or_default() += 1;
        self.awaited = awaited;
    }

    fn hot(&self) -> f64 {
        95.0 + f64::from(self.cycle % 100) / 100.0
    }

    fn cool(&self) -> f64 {
        5.0 + f64::from(self.cycle % 100) / 100.0
    }

    fn datagram(&mut self, event: Event) -> Datagram {
        self.counter += 1;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        Datagram {
            host: self.name.as_str().into(),
            boot: format!("b{}", self.boot).into(),
            counter: self.counter,
            sent_at_ms: i64::try_from(now.as_millis()).unwrap(),
            event,
            interval: Some(Duration::from_millis(500)),
            metrics: Vec::new(),
            signed: false,
        }
    }

    fn send(&self, bytes: &[u8]) {
        // Whether or not a monitor is there to receive it.
        let _ = self.socket.send_to(bytes, self.to);
    }
}
