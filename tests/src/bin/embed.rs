//! The README's example, word for word, so that a test can run it.

use std::{env, time::Duration};

use annunciator::{
    Engine, Kind, Notification, Severity,
    worker::{self, WorkerProgram},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Call this first: a worker process is this program, executed again.
    worker::run_if_asked();
    tokio::runtime::Runtime::new()?.block_on(notify())
}

async fn notify() -> Result<(), Box<dyn std::error::Error>> {
    let file = env::args().nth(1);
    let file = file.unwrap_or_else(|| "/etc/heartbeat/heartbeat.yaml".to_owned());
    let builder = Engine::builder(file).worker(WorkerProgram::this());
    let engine = builder.start().await?;

    let alert = Notification::new("CPU at 95 %")
        .title("prod-web-01 is busy")
        .severity(Severity::Critical)
        .kind(Kind::Problem)
        .incident("prod-web-01/cpu");
    let report = engine.notify_host("prod-web-01", alert).await?;
    for (name, channel) in report.channels() {
        channel
            .failures()
            .for_each(|failure| eprintln!("{name}: {failure}"));
    }

    let _ = engine.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
