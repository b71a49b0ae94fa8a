//! The demo's second part: the monitor watches three machines, which go through
//! the script, and everything is seen to arrive.

use std::{error::Error, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    heading,
    inbox::{Arrival, Inbox},
    machines::Machines,
    monitor::{self, Monitor},
    script::{Act, SCRIPT},
    stage::Stage,
    summary,
    view::View,
};

/// How long an act's message may take until it is everywhere. What takes longest
/// by itself is silence: an interval and the grace, somewhat over 3 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look.
const GLANCE: Duration = Duration::from_millis(100);

pub(super) async fn show(stage: &Stage) -> Result<(), Box<dyn Error>> {
    heading("$ hbd run, and three machines with hbc");
    let inbox = Inbox::open(&stage.ensemble);
    let monitor = Monitor::start(stage).await?;
    let mut machines = Machines::new(stage);
    let mut view = View::open();
    for act in &SCRIPT {
        view.happens(act.host, act.happening)?;
        machines.perform(act.host, act.deed).await?;
        if !arrives(act, &monitor, &inbox, &mut view).await? {
            view.happens(act.host, "is not heard of everywhere: the demo ends here")?;
            break;
        }
    }
    // The monitor ends before the machines: it has to miss none of them.
    monitor.end().await?;
    machines.end().await?;

    let arrived = inbox.arrivals();
    heading("What happened, and how often its message arrived");
    summary::table(&SCRIPT, &arrived)
        .iter()
        .for_each(|line| println!("  {line}"));
    verdict(stage, &arrived)
}

/// Looks until the act's message is everywhere; says whether it got there.
async fn arrives(
    act: &Act,
    monitor: &Monitor<'_>,
    inbox: &Inbox<'_>,
    view: &mut View,
) -> Result<bool, Box<dyn Error>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let arrived = inbox.arrivals();
        let hosts = monitor.hosts().await?;
        let everywhere = summary::is_everywhere(act, &arrived);
        view.show(hosts.unwrap_or_default(), arrived)?;
        if everywhere {
            return Ok(true);
        }
        if Instant::now() > until {
            return Ok(false);
        }
        sleep(GLANCE).await;
    }
}

fn verdict(stage: &Stage, arrived: &[Arrival]) -> Result<(), Box<dyn Error>> {
    let problems = summary::problems(&SCRIPT, arrived);
    println!();
    if problems.is_empty() {
        println!("Every message arrived word for word, once on each of its host's channels, and");
        println!("nothing else did. Nothing left this machine.");
        return Ok(());
    }
    problems.iter().for_each(|problem| println!("  {problem}"));
    println!("\n  hbd run: {}", monitor::last_log_lines(stage));
    Err("the monitor did not tell what it should have: this is a fault of Annunciator, unless this machine is too busy to send a heartbeat every few seconds".into())
}
