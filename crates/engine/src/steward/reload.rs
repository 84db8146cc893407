//! A new configuration: what it changes for pools that are there.

use std::sync::Arc;

use model::config::checked::{Config, PoolSettings};
use model::id::SliceId;

use super::remark::Remark;
use super::slices::meter;
use super::{Gate, Steward, StewardOutputs};
use crate::orders::Order;
use crate::time::Now;

impl Steward {
    /// The configuration was checked: it is in force from here on.
    pub(super) fn configure(&mut self, now: Now, config: Arc<Config>, out: &mut StewardOutputs) {
        self.config = config;
        for worker in self.every_worker() {
            out.orders.push((worker, Order::Configure(self.config.clone())));
        }
        let (mut stale, mut removed) = (0, 0);
        let ids: Vec<_> =
            self.slices.iter().filter(|(_, slice)| !slice.shutting).map(|(id, _)| *id).collect();
        for id in ids {
            let key = self.slices[&id].key.clone();
            match self.config.pool(&key.database, &key.user) {
                Ok(settings) => stale += u32::from(self.resettle(now, id, settings, out)),
                Err(_) => {
                    removed += 1;
                    self.shut(id, out);
                }
            }
        }
        let servers = &self.config.servers;
        let slices = &self.slices;
        self.gates.retain(|name, _| {
            servers.contains_key(name) || slices.values().any(|slice| slice.settings.server.name == *name)
        });
        self.restless = true;
        out.remarks.push(Remark::Reloaded { stale, removed });
    }

    /// Gives a slice its new settings; true where its servers are to be replaced.
    fn resettle(&mut self, now: Now, id: SliceId, settings: PoolSettings, out: &mut StewardOutputs) -> bool {
        let slice = self.slice_mut(id);
        if *slice.settings == settings {
            return false;
        }
        let stale = is_stale(&slice.settings, &settings);
        let home = slice.home;
        let moved = slice.settings.server.name != settings.server.name;
        let (before, dials) = (slice.settings.server.name.clone(), slice.dials.len() as u32);
        let meter = meter(&settings);
        let server = settings.server.name.clone();
        // Out of the old ceilings with all credits and into the new: what is still open to the old server counts there
        // until it is back.
        if let Some(mut slice) = self.slices.remove(&id) {
            slice.leave(&mut self.ceilings);
            slice.settings = Arc::new(settings);
            slice.patience = Default::default();
            slice.join(id, &mut self.ceilings);
            out.orders.push((home, slice.opening(id, stale)));
            self.slices.insert(id, slice);
        }
        let gate = self.gates.entry(server).or_insert_with(|| Gate::new(meter, now));
        gate.set(meter);
        if stale {
            gate.patience = Default::default();
        }
        if moved {
            gate.dialling += dials;
            if let Some(gate) = self.gates.get_mut(&before) {
                gate.ended(dials);
            }
        }
        self.tell_floor(id, out);
        stale
    }
}

/// True where servers that are open were opened to somewhere else, or as somebody else.
fn is_stale(old: &PoolSettings, new: &PoolSettings) -> bool {
    let place = |settings: &PoolSettings| (settings.server.host.clone(), settings.server.port);
    place(old) != place(new)
        || old.dbname != new.dbname
        || old.login != new.login
        || old.connect_query != new.connect_query
        || old.startup != new.startup
}
