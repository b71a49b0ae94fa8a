//! A blocking client for tests: one request on one connection.
//!
//! It lets a scripted host, whose closure cannot await, use a real connection. It supports `http`
//! addresses of this machine.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

/// The maximum time for an answer; a stand-in's takes longer only if the test asks for it.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The status.
    pub status: u16,
    /// The headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Makes one request, and blocks the thread until the response arrives. The server must run on
/// another thread.
///
/// # Errors
/// Fails if the address is invalid, or the connection ends before the response does.
pub fn exchange(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Exchanged> {
    let url = Url::parse(url).map_err(|_| ErrorKind::InvalidInput)?;
    let authority = url.authority().to_owned();
    let mut stream = TcpStream::connect(&authority)?;
    stream.set_read_timeout(Some(WAIT_TIMEOUT))?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!(
        "connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    ));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&answer).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

fn read(answer: &[u8]) -> Option<Exchanged> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|four| four == END)?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    });
    Some(Exchanged {
        status,
        headers: headers.collect(),
        body: answer.get(end + END.len()..)?.to_vec(),
    })
}
