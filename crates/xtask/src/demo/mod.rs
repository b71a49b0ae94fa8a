//! The demo: four stand-ins on loopback, the real `hbd` with the real plugins, and three
//! simulated machines. It shows what arrived where, and checks itself.

mod block;
mod by_hand;
mod heading;
mod inbox;
mod machines;
mod monitor;
mod scene;
mod script;
mod stage;
mod status;
mod summary;
mod view;

use std::{error::Error, io};

use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use self::{heading::heading, stage::Stage};
use crate::build;

/// Runs the demo. With `stays`, its page stays open until somebody interrupts it, which is then no
/// failure.
pub(crate) fn run(stays: bool) -> Result<(), Box<dyn Error>> {
    heading("Building hbd, hbc, the plugins and the stand-ins");
    build::everything()?;
    // The stand-ins run on this runtime while the demo waits for programs.
    Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            // Whichever ends first drops the other, and every child with it.
            tokio::select! {
                shown = show(stays) => shown,
                signal = interrupted() => match signal? {
                    _ if stays => Ok(()),
                    signal => Err(format!("{signal} ended the demo").into()),
                },
            }
        })
}

async fn show(stays: bool) -> Result<(), Box<dyn Error>> {
    let stage = Stage::set().await?;
    stage.describe();
    by_hand::show(&stage).await?;
    scene::show(&stage, stays).await
}

/// Waits for a signal that interrupts the demo.
async fn interrupted() -> io::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok("SIGINT"),
        _ = terminate.recv() => Ok("SIGTERM"),
    }
}
