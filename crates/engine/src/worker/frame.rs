//! Frames on the socket to a worker: messages with a bounded length prefix.

use std::io::{self, Read};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The maximum size of a frame, in bytes: twice the longest answer that the host reads over HTTP.
pub(super) const MAX_FRAME_SIZE: usize = 32 * 1024 * 1024;
/// The size of the length prefix, in bytes. It is little-endian.
const LENGTH: usize = 4;

/// The error when the received bytes are not a valid frame.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("could not be read from: {0}")]
    Io(#[from] io::Error),
    #[error("announced a message of {0} bytes")]
    TooLong(usize),
    #[error("closed its connection in the middle of a message")]
    Cut,
    #[error("sent something that is not a message")]
    Garbled,
}

/// The error when a message is too long for a frame.
#[derive(Debug)]
pub(super) struct TooLong;

/// Encodes a message as a frame.
pub(super) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, TooLong> {
    let frame = postcard::to_extend(message, vec![0; LENGTH]);
    // Writing to memory can only fail because of the size.
    let mut frame = frame.map_err(|_| TooLong)?;
    let length = frame.len() - LENGTH;
    if length > MAX_FRAME_SIZE {
        return Err(TooLong);
    }
    let length = u32::try_from(length).map_err(|_| TooLong)?;
    let (head, _) = frame.split_at_mut(LENGTH);
    head.copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads a message. Returns `None` at the end of the stream.
pub(super) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, FrameError> {
    let mut head = Vec::with_capacity(LENGTH);
    from.take(LENGTH as u64).read_to_end(&mut head).await?;
    let Some(length) = length(&head)? else {
        return Ok(None);
    };
    // Grows with the received bytes, and not with the announced length.
    let mut body = Vec::new();
    from.take(length as u64).read_to_end(&mut body).await?;
    decode(&body, length).map(Some)
}

/// Reads a message like [`read`], and blocks the calling thread.
pub(super) fn read_blocking<T: DeserializeOwned>(
    from: &mut impl Read,
) -> Result<Option<T>, FrameError> {
    let mut head = Vec::with_capacity(LENGTH);
    from.by_ref().take(LENGTH as u64).read_to_end(&mut head)?;
    let Some(length) = length(&head)? else {
        return Ok(None);
    };
    let mut body = Vec::new();
    from.by_ref().take(length as u64).read_to_end(&mut body)?;
    decode(&body, length).map(Some)
}

fn length(head: &[u8]) -> Result<Option<usize>, FrameError> {
    if head.is_empty() {
        return Ok(None);
    }
    let head = head.try_into().map_err(|_| FrameError::Cut)?;
    let length = usize::try_from(u32::from_le_bytes(head)).unwrap_or(usize::MAX);
    if length > MAX_FRAME_SIZE {
        return Err(FrameError::TooLong(length));
    }
    Ok(Some(length))
}

fn decode<T: DeserializeOwned>(body: &[u8], length: usize) -> Result<T, FrameError> {
    if body.len() < length {
        return Err(FrameError::Cut);
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Garbled),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let text = "x".repeat(100_000);
        let frames = [encode(&text).unwrap(), encode(&String::new()).unwrap()].concat();
        let mut from = frames.as_slice();
        assert_eq!(read_blocking(&mut from).unwrap(), Some(text));
        assert_eq!(read_blocking(&mut from).unwrap(), Some(String::new()));
        assert_eq!(read_blocking::<String>(&mut from).unwrap(), None);
    }

    #[test]
    fn a_length_without_end_is_refused_before_anything_is_read() {
        let frame = [0xff, 0xff, 0xff, 0x7f, 0, 0];
        let read = read_blocking::<String>(&mut frame.as_slice());
        assert!(matches!(read, Err(FrameError::TooLong(0x7fff_ffff))));
        assert!(encode(&"x".repeat(MAX_FRAME_SIZE + 1)).is_err());
    }

    proptest! {
        #[test]
        fn half_a_frame_is_cut(text in ".{1,40}", keep in 0.0..1.0) {
            let frame = encode(&text).unwrap();
            let keep = 1 + ((frame.len() - 2) as f64 * keep) as usize;
            let read = read_blocking::<String>(&mut &frame[..keep]);
            prop_assert!(matches!(read, Err(FrameError::Cut)));
        }

        #[test]
        fn no_bytes_are_too_much_for_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_blocking::<super::super::message::ToHost>(&mut bytes.as_slice());
        }
    }
}
