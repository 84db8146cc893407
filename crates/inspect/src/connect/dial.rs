//! The bytes' way: a socket, in clear or under TLS.

use std::io;

use tls::{Connector, TlsError, Try};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use wire::encode;

use super::Endpoint;

/// Whatever bytes go over. A task that looks at a connection while it waits may move to another thread.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// What TLS gave beside silence.
#[derive(Debug)]
pub(super) struct Secured {
    /// The `tls-server-end-point` data, where the server's certificate allows it.
    pub(super) end_point: Option<Vec<u8>>,
}

/// A connection before its first message.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn Stream>,
    pub(super) secured: Option<Secured>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum DialError {
    Io(io::Error),
    Tls(TlsError),
    /// It answers, and not as PostgreSQL does.
    Strange(String),
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How TLS is to be had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Secrecy<'a> {
    pub(super) options: &'a tls::Options,
    /// Whom the certificate has to be made out to.
    pub(super) name: Option<&'a str>,
}

/// Dials. Over a unix socket there is no TLS, whatever the mode: so does libpq.
pub(super) async fn dial(endpoint: &Endpoint, how: Try, secrecy: Secrecy<'_>) -> Result<Dialled, DialError> {
    let (host, port) = match endpoint {
        Endpoint::Unix(path) => {
            let stream: Box<dyn Stream> = Box::new(UnixStream::connect(path).await?);
            return Ok(Dialled { stream, secured: None });
        }
        Endpoint::Tcp(host, port) => (host, *port),
    };
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    stream.set_nodelay(true)?;
    match how {
        Try::Plain => Ok(Dialled { stream: Box::new(stream), secured: None }),
        Try::Tls => secure(stream, secrecy, false).await,
        Try::TlsOrPlain => secure(stream, secrecy, true).await,
    }
}

async fn secure(mut stream: TcpStream, secrecy: Secrecy<'_>, or_plain: bool) -> Result<Dialled, DialError> {
    // Read before the server is asked: a mistake in a file is no reason to hang up on it.
    let connector = Connector::new(secrecy.options).map_err(DialError::Tls)?;
    if !secrecy.options.direct {
        let mut out = Vec::new();
        encode::ssl_request(&mut out);
        stream.write_all(&out).await?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await?;
        match answer[0] {
            b'S' => {}
            b'N' if or_plain => return Ok(Dialled { stream: Box::new(stream), secured: None }),
            b'N' => return Err(DialError::Tls(TlsError::NotOffered(secrecy.options.mode))),
            b'E' => return Err(DialError::Strange("the server refuses before it says why".into())),
            _ => return Err(DialError::Strange("what answers is not PostgreSQL".into())),
        }
    }
    let secured = connector.secure(stream, secrecy.name).await.map_err(DialError::Tls)?;
    let end_point = secured.end_point;
    Ok(Dialled { stream: Box::new(secured.stream), secured: Some(Secured { end_point }) })
}
