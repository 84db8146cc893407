//! One service's part, and whether what it wants to open fits into it.

use plan::budget::{Replicated, Row, ServerBudget};

/// What one service may open. Connections, unless a name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// The service.
    pub service: String,
    /// At most, without a rollout.
    pub peak: u64,
    /// At most, while old replicas stand beside new ones.
    pub rollout: u64,
    /// Replicas at most, without a rollout.
    pub replicas: u32,
    /// Replicas at once during a rollout.
    pub replicas_at_rollout: u32,
    /// Processes of one replica.
    pub processes: u32,
    /// Of one process's pool.
    pub pool_max: u32,
    /// Of one process beside its pool: `listeners` of the plan file. A [`Monitor`](crate::Monitor) is one.
    pub beside_pool: u32,
    /// The pooler it goes through: then these are that pooler's clients, and not the server's slots.
    pub via: Option<String>,
    /// What all others may hold of the server at once.
    pub others: u64,
    /// Slots of the server that ordinary roles can get.
    pub usable: Option<u32>,
}

/// What a service wants to open beside what it may.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fit {
    /// The service.
    pub service: String,
    /// Connections that each process wants.
    pub per_process: u32,
    /// Connections that each process may have.
    pub per_process_max: u32,
    /// What all replicas want, without a rollout.
    pub peak: u64,
    /// What all replicas want, during one.
    pub rollout: u64,
    /// Replicas at once during a rollout.
    pub replicas_at_rollout: u32,
    /// Replicas at once that the server has room for beside all others; `None` where its slots are unknown, or do not count
    /// because a pooler stands in between.
    pub replicas_that_fit: Option<u64>,
}

impl Allowance {
    pub(super) fn of(row: &Row, server: &ServerBudget) -> Self {
        let replicas = row.replicas.as_ref();
        // What others hold together has its own rollouts, as the plan has them: with or without this service's.
        let totals = server.totals;
        let own = if row.via.is_none() { row.sums } else { Default::default() };
        let others = totals.rollout.saturating_sub(own.rollout).max(totals.peak.saturating_sub(own.peak));
        Self {
            service: row.name.clone(),
            peak: row.sums.peak,
            rollout: row.sums.rollout.max(row.sums.peak),
            replicas: replicas.map_or(1, |replicas| replicas.most.value),
            replicas_at_rollout: replicas.map_or(1, Replicated::at_rollout),
            processes: row.processes.value,
            pool_max: row.pool.value,
            beside_pool: row.aside.value,
            via: row.via.clone(),
            others,
            usable: server.slots.as_ref().map(plan::budget::Slots::usable),
        }
    }

    /// Connections that each process may have: its pool's, and those beside it.
    pub fn per_process_max(&self) -> u32 {
        self.pool_max.saturating_add(self.beside_pool)
    }

    /// Holds what each process wants to open against this, and says so in the log: how many replicas fit, and a warning where
    /// they don't. `per_process` is the sum of the pools' largest sizes and one for a monitor, as
    /// [`Monitor::connections_max`](crate::Monitor::connections_max) counts it.
    pub fn check(&self, per_process: u32) -> Fit {
        let fit = self.fit(per_process);
        let Fit { peak, rollout, replicas_that_fit, replicas_at_rollout, .. } = fit;
        let (service, per_process_max) = (self.service.as_str(), fit.per_process_max);
        if fit.fits() {
            tracing::info!(
                service,
                per_process,
                per_process_max,
                peak,
                rollout,
                replicas_at_rollout,
                replicas_that_fit,
                "connections fit into the plan"
            );
        } else {
            tracing::warn!(
                service,
                per_process,
                per_process_max,
                peak,
                rollout,
                replicas_at_rollout,
                replicas_that_fit,
                "connections do not fit into the plan"
            );
        }
        fit
    }

    /// The same without a word.
    pub fn fit(&self, per_process: u32) -> Fit {
        let each = u64::from(self.processes).saturating_mul(u64::from(per_process));
        let room = self.usable.filter(|_| self.via.is_none());
        let room = room.map(|usable| u64::from(usable).saturating_sub(self.others));
        Fit {
            service: self.service.clone(),
            per_process,
            per_process_max: self.per_process_max(),
            peak: each.saturating_mul(u64::from(self.replicas)),
            rollout: each.saturating_mul(u64::from(self.replicas_at_rollout.max(self.replicas))),
            replicas_at_rollout: self.replicas_at_rollout,
            replicas_that_fit: room.and_then(|room| room.checked_div(each)),
        }
    }
}

impl Fit {
    /// No process wants more than the plan gives it, and, where the server's slots are known, all replicas of a rollout have
    /// room on it.
    pub fn fits(&self) -> bool {
        let has_room = self.replicas_that_fit.is_none_or(|fit| fit >= u64::from(self.replicas_at_rollout));
        self.per_process <= self.per_process_max && has_room
    }
}
