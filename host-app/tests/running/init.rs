//! What `hbd init` writes is what `hbd run` uses.

use std::{fs, process::Stdio};

use annunciator_testkit::http::exchange;

use crate::monitor::{CALM, Home, wait_for};

#[test]
fn the_first_configuration_runs_and_its_token_opens_the_page() {
    let home = Home::new(CALM);
    let mut init = home.command(&["init", "first.yaml", "--listen", "127.0.0.1:0"]);
    init.env_remove("HBD_CONFIG").stdin(Stdio::null());
    init.args([
        "--channel",
        "mattermost",
        "--set",
        "host=mattermost.example.org",
    ]);
    init.args([
        "--set",
        "token=w7ri5ybhrbfsmqhkhbc7n8hf1y",
        "--set",
        "channel=ops",
    ]);
    let (status, out, err) = crate::monitor::notified(&init.output().unwrap());
    assert_eq!(status, 0, "{out}{err}");
    let token = out
        .lines()
        .find_map(|line| line.strip_prefix("token for the page: "));
    let token = token.unwrap();

    // At a port that the system chooses, as everything in tests.
    let file = home.path("first.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("monitor:\n", "monitor:\n  listen: ['127.0.0.1:0']\n");
    fs::write(&file, text).unwrap();
    let monitor = home.spawn(&["--config", "first.yaml", "run"], |_| {});
    let address = wait_for("the address of the API", || {
        let log = monitor.log();
        let line = log
            .lines()
            .find(|line| line.contains("the API is served"))?;
        let (_, address) = line.rsplit_once("address=")?;
        Some(address.trim().to_owned())
    });
    let url = format!("http://{address}/api/v1/status");
    let status = |token: &str| {
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        exchange("GET", &url, &headers, b"").unwrap().status
    };
    assert_eq!((status(token), status("hbd_w_wrong")), (200, 401));
}
