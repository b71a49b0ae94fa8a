//! A web server that answers `ok` to everything, as fast as hyper can, in a
//! process of its own.

use std::{convert::Infallible, error::Error, net::Ipv4Addr};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime};

use super::child::report_line;

/// Serves until the process is ended; tells its port.
pub(crate) fn serve() -> Result<(), Box<dyn Error>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        report_line(&listener.local_addr()?.port().to_string());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(ok));
                // A client that goes away is none of its business.
                let _ = connection.await;
            });
        }
    })
}

async fn ok(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // Read to its end, so that the connection can be used again.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(Bytes::from_static(b"ok"))))
}
