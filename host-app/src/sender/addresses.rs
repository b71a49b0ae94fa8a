//! The monitor's addresses, one of each family, and when to look them up anew.

use std::{
    io,
    net::SocketAddr,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use annunciator_protocol::Family;

use super::{happening::Happening, server::MonitorAddress};

/// A name is looked up anew this often, so that a monitor may move.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// After an error it is looked up again after this time, and after twice as
/// long each time that it fails again.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);

/// But never after a longer time than this.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);

/// The first address of each family that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) v4: Option<SocketAddr>,
    pub(super) v6: Option<SocketAddr>,
}

impl Addresses {
    /// Picks them, if only one family is wanted, of that.
    fn pick(found: &[SocketAddr], only: Option<Family>) -> io::Result<Self> {
        let first = |family| {
            let of_family = |address: &&SocketAddr| Family::of(address.ip()) == family;
            let wanted = only.is_none_or(|only| only == family);
            found.iter().find(of_family).copied().filter(|_| wanted)
        };
        let picked = Self {
            v4: first(Family::V4),
            v6: first(Family::V6),
        };
        if picked == Self::default() {
            let family = only.map_or_else(|| "no".to_owned(), |only| format!("no {only}"));
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("it has {family} address"),
            ));
        }
        Ok(picked)
    }
}

/// Looks the monitor's name up on a thread of its own.
#[derive(Debug)]
pub(super) struct Resolver {
    requests: Sender<()>,
    under_way: bool,
    next: Instant,
    retry_delay: Duration,
}

impl Resolver {
    pub(super) fn start(
        server: MonitorAddress,
        only: Option<Family>,
        events: Sender<Happening>,
    ) -> io::Result<Self> {
        let (requests, wanted): (_, Receiver<()>) = channel();
        let look_up = move || {
            while wanted.recv().is_ok() {
                let found = server
                    .resolve()
                    .and_then(|found| Addresses::pick(&found, only));
                if events.send(Happening::Resolved(found)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(look_up)?;
        Ok(Self {
            requests,
            under_way: false,
            next: Instant::now(),
            retry_delay: MIN_RETRY_DELAY,
        })
    }

    /// When to call [`Resolver::step`] again; not while a look-up is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.under_way).then_some(self.next)
    }

    /// Asks for a look-up, if one is due.
    pub(super) fn step(&mut self, now: Instant) {
        if !self.under_way && now >= self.next {
            self.under_way = self.requests.send(()).is_ok();
            if !self.under_way {
                // The thread is gone: what was found last has to do.
                self.next = now + FRESH;
            }
        }
    }

    /// A look-up has ended.
    pub(super) fn ended(&mut self, well: bool, now: Instant) {
        self.under_way = false;
        self.next = now + FRESH;
        if !well {
            self.again(now);
        }
    }

    /// What was found serves.
    pub(super) fn serves(&mut self) {
        self.retry_delay = MIN_RETRY_DELAY;
    }

    /// What was found does not serve, or nothing was found: the next look-up
    /// comes sooner.
    pub(super) fn again(&mut self, now: Instant) {
        if !self.under_way && self.next > now + self.retry_delay {
            self.next = now + self.retry_delay;
            self.retry_delay = (self.retry_delay * 2).min(MAX_RETRY_DELAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_name_has_several_addresses() {
        let found: Vec<SocketAddr> = ["[::2]:1", "127.0.0.2:1", "[::3]:1", "127.0.0.3:1"]
            .map(|address| address.parse().unwrap())
            .to_vec();
        let both = Addresses::pick(&found, None).unwrap();
        assert_eq!((both.v4, both.v6), (Some(found[1]), Some(found[0])));
        let v4 = Addresses::pick(&found, Some(Family::V4)).unwrap();
        assert_eq!((v4.v4, v4.v6), (Some(found[1]), None));
        let error = Addresses::pick(&found[..1], Some(Family::V4)).unwrap_err();
        assert_eq!(error.to_string(), "it has no IPv4 address");
        assert!(Addresses::pick(&[], None).is_err());
    }

    #[test]
    fn when_look_ups_fail_they_come_more_and_more_rarely() {
        let server: MonitorAddress = "127.0.0.1:1".parse().unwrap();
        let (events, _events) = channel();
        let mut resolver = Resolver::start(server, None, events).unwrap();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            resolver.step(now);
            assert_eq!(resolver.due(), None);
            resolver.ended(false, now);
            let due = resolver.due().unwrap();
            pauses.push(due.duration_since(now).as_secs());
            now = due;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        resolver.step(now);
        resolver.ended(true, now);
        assert_eq!(resolver.due(), Some(now + FRESH));
        resolver.serves();
        // Several errors at once ask for one look-up.
        resolver.again(now);
        resolver.again(now);
        assert_eq!(resolver.due(), Some(now + MIN_RETRY_DELAY));
    }
}
