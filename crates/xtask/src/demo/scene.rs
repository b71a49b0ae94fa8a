//! The demo's second part: the monitor watches three machines, which follow the script, until
//! every message has arrived.

use std::{error::Error, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    heading::heading,
    inbox::{Arrival, Inbox},
    machines::{self, Machines},
    monitor::{self, Monitor},
    script::{Act, MACHINES, SCRIPT},
    stage::Stage,
    summary,
    view::View,
};

/// How long an act's message may take to arrive on all channels. The slowest cause is silence: an
/// interval and the grace, somewhat over 3 s.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// The interval of looking.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

const WRONG: &str = "the monitor did not tell what it should have: this is a fault of Annunciator, \
     unless this machine is too busy to send a heartbeat every few seconds";

/// Shows it. With `stays`, the monitor and its page stay until somebody interrupts the demo.
pub(super) async fn show(stage: &Stage, stays: bool) -> Result<(), Box<dyn Error>> {
    heading("$ hbd run, and three machines with hbc");
    let inbox = Inbox::open(&stage.ensemble);
    let monitor = Monitor::start(stage).await?;
    let (page, token) = monitor.page().await?;
    println!("  Its page is at {page} meanwhile: log in with {token}");
    if !stays {
        println!("  (`cargo demo --stay` keeps it open)");
    }
    println!();
    let mut machines = Machines::new(stage);
    let mut view = View::open();
    let mut played = 0;
    for act in &SCRIPT {
        view.happens(act.host, act.happening)?;
        machines.perform(act.host, act.deed).await?;
        played += 1;
        if !arrives(act, &monitor, &inbox, &mut view).await? {
            view.happens(act.host, "is not heard of everywhere: the demo ends here")?;
            break;
        }
    }
    if !stays {
        // The monitor ends before the machines, so that it misses none of them.
        monitor.end().await?;
        machines.end().await?;
        return sum_up(stage, &SCRIPT[..played], &inbox.arrivals());
    }
    sum_up(stage, &SCRIPT[..played], &inbox.arrivals())?;
    println!("\nThe page stays at {page} until you press Ctrl-C: log in with {token}");
    std::future::pending().await
}

fn sum_up(stage: &Stage, acts: &[Act], arrived: &[Arrival]) -> Result<(), Box<dyn Error>> {
    heading("What happened, and how often its message arrived");
    summary::table(acts, arrived)
        .iter()
        .for_each(|line| println!("  {line}"));
    verdict(stage, acts, arrived)
}

/// Waits until the act's message is everywhere and has been seen, and returns whether it got
/// there.
async fn arrives(
    act: &Act,
    monitor: &Monitor<'_>,
    inbox: &Inbox<'_>,
    view: &mut View,
) -> Result<bool, Box<dyn Error>> {
    let begin = Instant::now();
    loop {
        let arrived = inbox.arrivals();
        let hosts = monitor.hosts().await?;
        let everywhere = summary::is_everywhere(act, &arrived);
        view.show(hosts.unwrap_or_default(), arrived)?;
        if everywhere && begin.elapsed() >= view.pace() {
            return Ok(true);
        }
        if begin.elapsed() > WAIT_TIMEOUT {
            return Ok(false);
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Checks the demo: the whole script was played, and nothing is wrong.
fn verdict(stage: &Stage, acts: &[Act], arrived: &[Arrival]) -> Result<(), Box<dyn Error>> {
    let problems = summary::problems(acts, arrived);
    println!();
    if problems.is_empty() && acts.len() == SCRIPT.len() {
        println!("Every message arrived word for word, once on each of its host's channels, and");
        println!("nothing else did. Nothing left this machine.");
        return Ok(());
    }
    problems.iter().for_each(|problem| println!("  {problem}"));
    println!("\n{}", stage.last_words(monitor::LOG));
    for machine in &MACHINES {
        println!("{}", stage.last_words(&machines::log(machine.name)));
    }
    Err(WRONG.into())
}
