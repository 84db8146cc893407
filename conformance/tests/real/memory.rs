//! Big rows and slow readers: the proxy holds next to nothing of them.

use std::time::Duration;

use anyhow::{Result, ensure};
use testbed::resident::Watch;
use testbed::{Batch, Client};

use crate::bed::{Bed, figure, is_direct, long};

const MIB: u64 = 1 << 20;

/// What the proxy may grow by, whatever passes through it.
const GROWTH: u64 = 64 * MIB;

/// Reads an answer in pieces with pauses, up to its ReadyForQuery; the number of bytes.
fn read_slowly(client: &mut Client) -> Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let (mut bytes, mut tail) = (0, Vec::new());
    loop {
        let read = client.read_some(&mut buffer)?;
        ensure!(read > 0, "closed after {bytes} bytes");
        bytes += read as u64;
        tail.extend_from_slice(&buffer[read.saturating_sub(6)..read]);
        tail.drain(..tail.len().saturating_sub(6));
        if tail == b"Z\0\0\0\x05I" {
            return Ok(bytes);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn check(name: &str, watch: Watch, bytes: u64) -> Result<()> {
    let risen = watch.risen();
    figure(name, format!("{} MiB, the proxy grew by {:.1} MiB", bytes / MIB, risen as f64 / MIB as f64));
    ensure!(is_direct() || risen < GROWTH, "{name}: the proxy grew by {} MiB", risen / MIB);
    Ok(())
}

#[test]
fn a_big_row_for_a_slow_reader_is_not_kept() -> Result<()> {
    let bed = Bed::open(2, 10)?;
    // A value has at most 1 GiB less a little, and so has a message.
    let size = long(64, 1000) * MIB;
    let mut client = bed.client()?;
    client.query("select 1")?;
    let watch = Watch::start(bed.pid()?)?;
    client.send(&Batch::new().query(&format!("select repeat('x', {size})")))?;
    let bytes = read_slowly(&mut client)?;
    ensure!(bytes > size, "{bytes} bytes of {size}");
    check("a row", watch, bytes)
}

#[test]
fn a_copy_out_for_a_slow_reader_is_not_kept() -> Result<()> {
    let bed = Bed::open(2, 10)?;
    let rows = long(64, 1024) * 1024;
    let mut client = bed.client()?;
    client.query("select 1")?;
    let watch = Watch::start(bed.pid()?)?;
    let sql = format!("copy (select repeat('y', 1023) from generate_series(1, {rows})) to stdout");
    client.send(&Batch::new().query(&sql))?;
    let bytes = read_slowly(&mut client)?;
    ensure!(bytes > rows * 1024, "{bytes} bytes");
    check("a copy out", watch, bytes)
}

/// The server waits for a lock while the client goes on writing.
#[test]
fn a_copy_in_for_a_slow_server_is_not_kept() -> Result<()> {
    let bed = Bed::open(3, 10)?;
    bed.run("create table sink (t text); alter table sink owner to app")?;
    let rows = long(64, 1024) * 1024;
    let mut client = bed.client()?;
    client.query("select 1")?;
    let mut lock = bed.postgres.admin(crate::bed::DATABASE)?;
    lock.query("begin; lock table sink")?;
    let watch = Watch::start(bed.pid()?)?;
    let writer = std::thread::spawn(move || -> Result<Client> {
        client.send(&Batch::new().query("copy sink from stdin"))?;
        let line = [vec![b'z'; 1023], vec![b'\n']].concat();
        let chunk = Batch::new().copy_data(&line.repeat(64));
        for _ in 0..rows / 64 {
            client.send(&chunk)?;
        }
        client.send(&Batch::new().copy_done())?;
        client.patience(Duration::from_secs(120));
        client.rows()?;
        Ok(client)
    });
    std::thread::sleep(Duration::from_secs(1));
    ensure!(!writer.is_finished(), "the copy did not wait for the lock");
    lock.query("commit")?;
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    ensure!(bed.value("select count(*) from sink")? == rows.to_string(), "rows are missing");
    check("a copy in", watch, rows * 1024)
}

/// One Bind that is larger than anything the proxy may keep.
#[test]
fn a_big_parameter_passes_unkept() -> Result<()> {
    let bed = Bed::open(2, 10)?;
    let size = long(64, 500) * MIB;
    let mut client = bed.client()?;
    client.query("select 1")?;
    let value = vec![b'v'; usize::try_from(size)?];
    let batch = Batch::new()
        .parse("", "select length($1)", &[25])
        .bind("", "", &[Some(&value)])
        .execute("", 0)
        .sync();
    drop(value);
    let watch = Watch::start(bed.pid()?)?;
    client.send(&batch)?;
    let rows = client.rows()?;
    ensure!(rows == [[Some(size.to_string())]], "{rows:?}");
    check("a parameter", watch, size)
}

#[test]
fn readers_that_stop_do_not_stop_others() -> Result<()> {
    let mut bed = Bed::open(4, 10)?;
    let watch = Watch::start(bed.pid()?)?;
    let mut stopped = Vec::new();
    for _ in 0..3 {
        let mut client = bed.client()?;
        client.send(&Batch::new().query("select repeat('x', 50000000)"))?;
        // A little is read, then nothing more.
        client.read_some(&mut [0; 1000])?;
        stopped.push(client);
    }
    let mut client = bed.client()?;
    for i in 0..200 {
        ensure!(client.value(&format!("select {i}"))? == i.to_string(), "another answer");
    }
    check("three stopped readers", watch, 150 * MIB)?;
    drop(stopped);
    bed.check_alive()
}
