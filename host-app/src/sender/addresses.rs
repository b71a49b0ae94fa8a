//! The monitor's addresses, one of each family, and when to resolve them again.

use std::{
    io,
    net::SocketAddr,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use annunciator_protocol::Family;

use super::{happening::Happening, server::MonitorAddress};

/// How often the name is resolved again, so that a monitor may move.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The delay before a failed look-up is repeated; it doubles with every failure.
const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The maximum of this delay.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);

/// The first address of each wanted family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) v4: Option<SocketAddr>,
    pub(super) v6: Option<SocketAddr>,
}

impl Addresses {
    /// Picks the addresses; of one family if only that is wanted.
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

/// A resolver of the monitor's name, on a thread of its own.
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

    /// Returns when to call [`Resolver::step`] again; `None` while a look-up is in
    /// progress.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.under_way).then_some(self.next)
    }

    /// Requests a look-up if one is due.
    pub(super) fn step(&mut self, now: Instant) {
        if !self.under_way && now >= self.next {
            self.under_way = self.requests.send(()).is_ok();
            if !self.under_way {
                // The thread is gone, so the last addresses stay.
                self.next = now + RESOLVE_INTERVAL;
            }
        }
    }

    /// Handles the end of a look-up.
    pub(super) fn ended(&mut self, well: bool, now: Instant) {
        self.under_way = false;
        self.next = now + RESOLVE_INTERVAL;
        if !well {
            self.again(now);
        }
    }

    /// Records that the addresses work.
    pub(super) fn serves(&mut self) {
        self.retry_delay = MIN_RETRY_DELAY;
    }

    /// Records that the addresses do not work, or that there are none: the next look-up
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
        assert_eq!(resolver.due(), Some(now + RESOLVE_INTERVAL));
        resolver.serves();
        // Several errors at once request one look-up.
        resolver.again(now);
        resolver.again(now);
        assert_eq!(resolver.due(), Some(now + MIN_RETRY_DELAY));
    }
}
