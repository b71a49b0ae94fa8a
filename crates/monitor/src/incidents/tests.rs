//! Who is notified of notices, and under which incidents, also after restarts.

use std::{collections::BTreeMap, sync::Arc};

use annunciator::Kind;

use super::{AcknowledgeLink, IncidentChange, IncidentLog, OutboundMessage, Routes};
use crate::machine::{
    Connection, LinkFamily, Moment, Notice, Occurrence, Steadiness, SuppressedNotice,
};

struct Table(&'static [(&'static str, &'static [&'static str])]);

impl Routes for Table {
    fn of_host(&self, host: &str) -> Vec<Arc<str>> {
        let found = self.0.iter().find(|(name, _)| *name == host);
        found.map_or_else(Vec::new, |(_, channels)| {
            channels.iter().map(|name| Arc::from(*name)).collect()
        })
    }

    fn defaults(&self) -> Vec<Arc<str>> {
        vec![Arc::from("default")]
    }
}

const ROUTES: Table = Table(&[("a", &["x", "y"]), ("b", &["y"]), ("c", &[]), ("d", &["y"])]);

fn of(host: &str) -> Connection {
    Connection {
        host: Arc::from(host),
        family: LinkFamily::V4,
    }
}

fn many(hosts: &[&str]) -> Vec<Connection> {
    hosts.iter().map(|host| of(host)).collect()
}

struct Trial {
    incidents: IncidentLog,
    rows: BTreeMap<(Arc<str>, Arc<str>), IncidentChange>,
}

impl Trial {
    fn new() -> Self {
        Self {
            incidents: IncidentLog::restored(Vec::new(), 0),
            rows: BTreeMap::new(),
        }
    }

    fn plan(&mut self, what: Occurrence) -> Vec<OutboundMessage> {
        let notice = Notice {
            what,
            at: Moment::default(),
        };
        let mut changes = Vec::new();
        let outbound = self.incidents.plan(&notice, &ROUTES, &mut changes);
        self.write(changes);
        outbound
    }

    fn suppress(&mut self, suppressed: &SuppressedNotice) -> Vec<OutboundMessage> {
        let mut changes = Vec::new();
        let outbound = self.incidents.suppress(suppressed, &ROUTES, &mut changes);
        self.write(changes);
        outbound
    }

    fn write(&mut self, changes: Vec<IncidentChange>) {
        for change in changes {
            let key = (change.incident.clone(), change.name.clone());
            if change.reported.is_some() {
                self.rows.insert(key, change);
            } else {
                self.rows.remove(&key);
            }
        }
    }

    /// Returns the recipients and the text of each message.
    fn notified(&mut self, what: Occurrence) -> Vec<String> {
        let shown = |outbound: &OutboundMessage| {
            let names: Vec<&str> = outbound.names.iter().map(|name| &**name).collect();
            format!("{}: {}", names.join(" "), outbound.message.body)
        };
        self.plan(what).iter().map(shown).collect()
    }

    /// Continues from what was written.
    fn restart(&mut self) {
        self.incidents = IncidentLog::restored(self.rows.values().cloned(), 0);
    }
}

fn incident(outbound: &OutboundMessage) -> &str {
    outbound.message.incident.as_deref().unwrap_or_default()
}

#[test]
fn the_end_goes_where_the_problem_went_also_over_a_restart() {
    for restart in [false, true] {
        let mut trial = Trial::new();
        let problem = trial.plan(Occurrence::Overdue(of("a")));
        assert_eq!(problem.len(), 1, "one for all channels");
        if restart {
            trial.restart();
        }
        let back = trial.plan(Occurrence::Back(of("a")));
        assert_eq!(back[0].names, problem[0].names);
        assert_eq!(incident(&back[0]), "a/IPv4/heartbeat");
        assert_eq!(incident(&problem[0]), incident(&back[0]));
        assert!(trial.rows.is_empty(), "{:?}", trial.rows);
        assert!(trial.plan(Occurrence::Back(of("a"))).is_empty());
    }
}

#[test]
fn each_channel_is_notified_of_the_hosts_that_concern_it() {
    let mut trial = Trial::new();
    let all = many(&["a", "b", "c"]);
    let notified = trial.notified(Occurrence::ManyOverdue(all.clone()));
    assert_eq!(notified.len(), 2);
    assert_eq!(notified[0], "x: a IPv4 overdue");
    assert!(
        notified[1].starts_with("y: 2 overdue at once: a IPv4, b IPv4"),
        "{notified:?}"
    );
    let back = trial.notified(Occurrence::ManyBack(all));
    assert_eq!(back, ["x: a IPv4 is back", "y: 2 are back: a IPv4, b IPv4"]);
    assert!(trial.rows.is_empty(), "{:?}", trial.rows);
}

#[test]
fn what_was_reported_together_and_ends_together_is_one_incident() {
    for restart in [false, true] {
        let mut trial = Trial::new();
        let problem = trial.plan(Occurrence::ManyOverdue(many(&["b", "d"])));
        if restart {
            trial.restart();
        }
        let back = trial.plan(Occurrence::ManyBack(many(&["b", "d"])));
        assert_eq!((problem.len(), back.len()), (1, 1));
        assert_eq!(incident(&problem[0]), incident(&back[0]));
        assert_eq!(back[0].message.kind, Kind::Recovery);
        assert!(trial.rows.is_empty(), "{:?}", trial.rows);
    }
}

#[test]
fn what_was_reported_together_and_ends_apart_is_over_with_the_last() {
    let mut trial = Trial::new();
    let problem = trial.plan(Occurrence::ManyOverdue(many(&["a", "b", "d"])));
    let together = incident(&problem[1]).to_owned();
    assert!(together.starts_with("/together/"), "{together}");
    let first = trial.plan(Occurrence::Back(of("b")));
    // That is reported in any case, under an incident of its own.
    let own = incident(&first[0]);
    assert!(own.starts_with("/together/") && own != together, "{own}");
    trial.restart();
    let rest = trial.plan(Occurrence::ManyBack(many(&["a", "d"])));
    let to_y = rest.iter().filter(|end| *end.names[0] == *"y");
    let ended: Vec<&str> = to_y.map(incident).collect();
    assert_eq!(ended, [together]);
    for end in first.iter().chain(&rest) {
        assert_eq!(end.message.kind, Kind::Recovery);
    }
    // x was notified of a alone.
    assert_eq!(incident(&rest[0]), "a/IPv4/heartbeat");
    assert_eq!(*rest[0].names, [Arc::from("x")]);
    assert!(trial.rows.is_empty(), "{:?}", trial.rows);
}

#[test]
fn ends_of_what_was_reported_one_by_one_are_reported_one_by_one() {
    let mut trial = Trial::new();
    for host in ["b", "d"] {
        trial.plan(Occurrence::Overdue(of(host)));
    }
    let back = trial.plan(Occurrence::ManyBack(many(&["b", "d"])));
    let incidents: Vec<&str> = back.iter().map(incident).collect();
    assert_eq!(incidents, ["b/IPv4/heartbeat", "d/IPv4/heartbeat"]);
}

#[test]
fn what_was_reported_in_two_ways_has_an_end_that_is_reported() {
    let mut trial = Trial::new();
    let problem = trial.plan(Occurrence::ManyOverdue(many(&["b", "d"])));
    let flapping = Occurrence::Flapping {
        of: of("b"),
        changes: 6,
        within: std::time::Duration::from_secs(60),
    };
    trial.plan(flapping);
    let steady = Occurrence::Steady {
        of: of("b"),
        now_is: Steadiness::Up,
    };
    let end = trial.plan(steady);
    assert_eq!(incident(&end[0]), "b/IPv4/heartbeat", "{end:?}");
    assert_eq!(end.len(), 1, "d is overdue still");
    let end = trial.plan(Occurrence::Back(of("d")));
    assert_eq!(incident(&end[0]), incident(&problem[0]));
    assert!(trial.rows.is_empty(), "{:?}", trial.rows);
}

#[test]
fn what_a_silence_suppressed_is_over_under_its_own_incident_too() {
    let mut trial = Trial::new();
    let silenced = |what| SuppressedNotice {
        notice: Notice {
            what,
            at: Moment::default(),
        },
        rule: Some("silence".to_owned()),
    };
    let problem = trial.suppress(&silenced(Occurrence::Overdue(of("a"))));
    assert_eq!(problem[0].message.suppressed.as_deref(), Some("silence"));
    trial.restart();
    let back = trial.suppress(&silenced(Occurrence::Back(of("a"))));
    assert_eq!(incident(&back[0]), incident(&problem[0]));
    assert_eq!(back[0].message.kind, Kind::Recovery);
    assert!(trial.rows.is_empty(), "{:?}", trial.rows);
    assert!(
        trial
            .suppress(&silenced(Occurrence::Back(of("a"))))
            .is_empty()
    );

    // After the silence it was reported with others: whoever was notified of those hears that it
    // is back, although it was not reported alone.
    trial.suppress(&silenced(Occurrence::Overdue(of("b"))));
    trial.plan(Occurrence::ManyOverdue(many(&["b", "d"])));
    let back = trial.plan(Occurrence::Back(of("b")));
    let incidents: Vec<&str> = back.iter().map(incident).collect();
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    assert!(incidents.contains(&"b/IPv4/heartbeat"), "{incidents:?}");
}

#[test]
fn a_message_of_many_links_to_where_they_are_taken_over() {
    let link = AcknowledgeLink::new(|incident, _| Some(incident.to_owned()));
    let log = IncidentLog::restored(Vec::new(), 0).linking_to(Some("https://hbd.example.com"));
    let mut trial = Trial {
        incidents: log.acknowledged_at(Some(link)),
        ..Trial::new()
    };
    let problem = trial.plan(Occurrence::ManyOverdue(many(&["b", "d"])));
    let message = &problem[0].message;
    assert_eq!(
        message.acknowledge_url,
        message.incident.as_deref().map(Into::into)
    );
    assert!(message.url.is_some());
    let of_b = trial.incidents.together(&of("b"));
    assert_eq!(
        of_b.into_iter().collect::<Vec<_>>(),
        [Arc::from(incident(&problem[0]))]
    );
}

#[test]
fn what_concerns_no_host_goes_to_the_defaults() {
    let mut trial = Trial::new();
    let blind = Occurrence::Blind {
        from_ms: 0,
        to_ms: 1,
        rechecked: 1,
        silent: 0,
    };
    assert_eq!(*trial.plan(blind)[0].names, [Arc::from("default")]);
}

#[test]
fn every_message_has_a_key_of_its_own_also_over_a_restart_that_forgets_numbers() {
    let mut trial = Trial::new();
    let first = trial.plan(Occurrence::Overdue(of("a")));
    trial.restart();
    let second = trial.plan(Occurrence::Overdue(of("b")));
    assert_eq!(first[0].id, second[0].id);
    assert_ne!(first[0].key, second[0].key);
}

#[test]
fn a_message_of_a_problem_links_to_where_it_is_taken_over_and_its_end_does_not() {
    let link = AcknowledgeLink::new(|incident, at_ms| Some(format!("{incident}@{at_ms}")));
    let mut incidents = IncidentLog::restored(Vec::new(), 0).acknowledged_at(Some(link));
    let mut changes = Vec::new();
    let mut urls = |what| {
        let at = Moment::default();
        let outbound = incidents.plan(&Notice { what, at }, &ROUTES, &mut changes);
        outbound[0].message.acknowledge_url.clone()
    };
    let overdue = urls(Occurrence::Overdue(of("a")));
    assert_eq!(overdue.as_deref(), Some("a/IPv4/heartbeat@0"));
    assert_eq!(urls(Occurrence::Back(of("a"))), None);
    let booted = Occurrence::Booted {
        host: Arc::from("a"),
        unannounced: false,
    };
    assert_eq!(urls(booted), None);
}

#[test]
fn a_message_links_to_the_page_of_what_it_is_about() {
    let pages = Some("https://hbd.example.com/m");
    let mut incidents = IncidentLog::restored(Vec::new(), 0).linking_to(pages);
    let mut url = |what| {
        let notice = Notice {
            what,
            at: Moment::default(),
        };
        let outbound = incidents.plan(&notice, &ROUTES, &mut Vec::new());
        outbound[0].message.url.clone().unwrap()
    };
    assert_eq!(
        &*url(Occurrence::Overdue(of("a"))),
        "https://hbd.example.com/m/deliveries?incident=a%2FIPv4%2Fheartbeat"
    );
    let booted = Occurrence::Booted {
        host: Arc::from("a"),
        unannounced: false,
    };
    assert_eq!(&*url(booted), "https://hbd.example.com/m/hosts/a");
    let blind = Occurrence::Blind {
        from_ms: 0,
        to_ms: 1,
        rechecked: 0,
        silent: 0,
    };
    assert_eq!(&*url(blind), "https://hbd.example.com/m/");
}
