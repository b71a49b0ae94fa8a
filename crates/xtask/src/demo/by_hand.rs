//! The demo's first part: `hbd`'s commands as a person would type them, and a message to a host
//! with a channel that fails on purpose.

use std::{error::Error, process::ExitStatus};

use super::{
    heading::heading,
    inbox::{Arrival, Channel, Inbox},
    script::BY_HAND,
    stage::Stage,
};

const TITLE: &str = "prod-web-01 needs help";
const MESSAGE: &str = "CRITICAL: prod-web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)";

pub(super) async fn show(stage: &Stage) -> Result<(), Box<dyn Error>> {
    let inbox = Inbox::open(&stage.ensemble);
    hbd(stage, &["plugins"]).await?;
    hbd(stage, &["check"]).await?;
    hbd(stage, &["test"]).await?;
    let send = ["send", "--host", BY_HAND, "--severity", "critical"];
    let sent = hbd(stage, &[&send[..], &["--title", TITLE, MESSAGE]].concat()).await?;

    heading("What arrived");
    let arrived = inbox.arrivals();
    for arrival in &arrived {
        println!(
            "  {:<12}  {}: {}",
            arrival.channel.service(),
            arrival.envelope,
            one_line(&arrival.text)
        );
    }
    verdict(sent, &arrived)
}

/// Checks the demo: four messages arrived, and the fifth channel failed.
fn verdict(sent: ExitStatus, arrived: &[Arrival]) -> Result<(), Box<dyn Error>> {
    let each_once = Channel::ALL.iter().all(|channel| {
        let of_channel = arrived.iter().filter(|arrival| arrival.channel == *channel);
        let texts: Vec<&str> = of_channel.map(|arrival| arrival.text.as_str()).collect();
        matches!(texts[..], [text] if text.contains(MESSAGE))
    });
    if !each_once || sent.code() != Some(1) {
        return Err(
            "not everything arrived as it should have: this is a fault of Annunciator".into(),
        );
    }
    println!();
    println!("The message arrived once on each of the four kinds of channel. The fifth channel");
    println!("failed, as it was meant to: hbd said why, and ended with status 1.");
    Ok(())
}

/// Runs a command, and shows it as a person would have typed it.
async fn hbd(stage: &Stage, args: &[&str]) -> Result<ExitStatus, Box<dyn Error>> {
    let shown = args.iter().map(|arg| {
        if arg.contains(' ') {
            format!("'{arg}'")
        } else {
            (*arg).to_owned()
        }
    });
    heading(&format!("$ hbd {}", shown.collect::<Vec<_>>().join(" ")));
    Ok(stage.program("hbd")?.args(args).status().await?)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
