//! Telling systemd how we are, where it asks (`$NOTIFY_SOCKET`). See sd_notify(3); nobody else notices.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::worker::dial::unix_address;

/// How we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything listens; also the end of a reload.
    Ready,
    /// The configuration is being read again.
    Reloading,
    /// Draining.
    Stopping,
}

/// Tells the service manager, if there is one.
pub fn tell(state: State) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(Path::new(&socket), &text(state)) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

fn send(to: &Path, text: &str) -> std::io::Result<()> {
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &unix_address(to)?)?;
    Ok(())
}

fn text(state: State) -> String {
    match state {
        State::Ready => "READY=1".into(),
        State::Reloading => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)
        }
        State::Stopping => "STOPPING=1".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_it_on_its_socket() {
        let directory = std::env::temp_dir().join(format!("connwarden-sd-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(&path, &text(State::Ready)).unwrap();
        let mut heard = [0; 64];
        let bytes = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..bytes], b"READY=1");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
