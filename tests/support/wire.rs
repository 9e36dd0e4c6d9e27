//! Just enough HTTP/1.1 over plain TCP for the tests' own proxy and seeding: one request per connection.
//!
//! Own code because a client crate's features would reach into the SDK's. Not here: TLS, chunked bodies, reuse.

use crate::Result;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request as it came: its head as text, without the empty line, and its body.
#[derive(Clone, Debug)]
pub struct Request {
    /// Request line and header lines.
    pub head: String,
    /// Body by Content-Length.
    pub body: Vec<u8>,
}

impl Request {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Everything as it came, head included.
    pub raw: Vec<u8>,
    /// Body as text.
    pub text: String,
}

/// Reads one request; `None` when the peer closed instead.
pub async fn read_request(stream: &mut TcpStream) -> Result<Option<Request>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let length: usize = header(&head, "content-length").unwrap_or("0").parse()?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err("the peer closed within a body".into());
        }
    }
    Ok(Some(Request { head, body }))
}

/// Sends a request to `address` (`127.0.0.1:5000`) and reads the answer to the end of the connection.
pub async fn send(address: &str, request: &Request) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let kept = request
        .head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut lines: Vec<&str> = kept.collect();
    lines.extend(["Connection: close", "", ""]);
    let head = lines.join("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&request.body).await?;
    let mut raw = Vec::new();
    timeout(Duration::from_mins(1), stream.read_to_end(&mut raw)).await??;
    let text = String::from_utf8_lossy(&raw).into_owned();
    let status = text.split(' ').nth(1).unwrap_or_default().parse()?;
    let text = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok(Answer { status, raw, text })
}

/// GET of a `http://` URL: status and body.
pub async fn get(url: &str) -> Result<Answer> {
    let (address, path) = split(url)?;
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}");
    let body = Vec::new();
    send(address, &Request { head, body }).await
}

/// Address and path of a `http://` URL.
pub fn split(url: &str) -> Result<(&str, &str)> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("not plain HTTP: {url}"))?;
    Ok(rest.split_once('/').unwrap_or((rest, "")))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
