//! The body of an answer, read as a whole within a number of bytes.
//!
//! Not by `read_to_end` of `futures`: with every chunk that comes it clears all that is left of its buffer, so that a page of
//! some megabytes takes seconds. Not here: what the bytes say.

use futures::{AsyncRead, AsyncReadExt};
use std::io;

/// Bytes that are taken at once.
const CHUNK: usize = 64 << 10;

/// All bytes of the body; `None` where there are more than `most` of them, and the rest is not read.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn whole(body: impl AsyncRead, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut body = std::pin::pin!(body);
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    loop {
        let read = body.read(&mut chunk).await?;
        if read == 0 {
            return Ok(Some(bytes));
        }
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if bytes.len() > most {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_to_its_end_or_given_up() {
        for (length, most) in [
            (0, 0),
            (0, 5),
            (5, 5),
            (6, 5),
            (3 * CHUNK + 1, 3 * CHUNK),
            (3 * CHUNK, 3 * CHUNK),
        ] {
            let sent: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let read = whole(sent.as_slice(), most).await.unwrap();
            assert_eq!(read, (length <= most).then_some(sent), "{length} of {most}");
        }
    }
}
