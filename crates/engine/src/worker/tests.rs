//! What only the books inside show.

use std::sync::Arc;

use model::config::checked::Config;
use model::id::{PublicId, SliceId, WorkerId};

use super::Worker;
use crate::contract::{Outputs, Peer};
use crate::orders::{PoolKey, Replication};
use crate::session::seed::ClientSeed;
use crate::time::Now;

#[test]
fn a_guest_whose_pool_is_gone_was_never_a_login_here() {
    let mut worker = Worker::new(WorkerId(0), [7; 32], 1000, Arc::new(Config::for_tests()));
    let key = PoolKey { database: "gone".into(), user: "alice".into(), replication: Replication::No };
    let seed = ClientSeed {
        public: PublicId(1),
        slice: SliceId(9),
        key,
        peer: Peer::Unix { uid: 1000, pid: 1 },
        minor: 0,
        parameters: Vec::new(),
        client_key: None,
        accepted: Now(0),
    };
    worker.arrive(Now(1), Box::new(seed), &mut Outputs::default());
    assert_eq!((worker.logins, worker.clients.len()), (0, 0));
}
