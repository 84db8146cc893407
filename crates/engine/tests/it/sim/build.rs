//! Worlds by kind and seed.

use std::sync::Arc;

use engine::planted::Fault;
use model::config::checked::{AuthType, Config, Database, Limit, Own, PoolMode, User};

use super::client::Visit;
use super::control::Control;
use super::office::Office;
use super::postgres::{Method, Postgres, Role, Setup};
use super::proxy::{Operator, Proxy};
use super::scram::{PASSWORD, ROUNDS, verifier};
use super::script::{FOCI, Taste, Writer};
use super::world::{Guest, Trouble, World};
use crate::rng::Rng;

/// What sort of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Clients straight to the server: the oracle judged by itself.
    Direct,
    /// Nothing fails, and everybody is patient and polite.
    Calm,
    /// Nothing fails, but clients cancel and leave as they like.
    Cancels,
    /// Servers die and restart, connections break, operators meddle.
    Troubled,
    /// Somebody drops, renames and copies a database that others use.
    Upheaval,
}

impl Kind {
    /// The test that runs it.
    pub(crate) fn test(self) -> &'static str {
        match self {
            Self::Direct => "sim::the_model_server_and_the_model_client_agree",
            Self::Calm => "sim::a_calm_world_is_served_as_directly",
            Self::Cancels => "sim::cancels_hit_their_own_query",
            Self::Troubled => "sim::a_troubled_world_recovers",
            Self::Upheaval => "sim::nobody_but_clients_is_in_a_database_that_is_dropped",
        }
    }
}

/// The database that is dropped where any is.
pub(crate) const SIDE: &str = "side";

/// Sizes drawn from the seed.
struct Draw {
    clients: u64,
    pool_size: u32,
    workers: u16,
    max_connections: u32,
    mode: PoolMode,
    statements_max: u32,
    focus: Option<u64>,
    cancel_percent: u64,
    method: Method,
    auth: AuthType,
    /// The proxy knows a verifier only, and logs in by what a client has proven.
    verifiers: bool,
    own_steward: bool,
    /// The proxy is told how many connections the server has room for.
    told_room: bool,
    /// There is a database to be dropped; whether it keeps connections though nobody uses them.
    side: Option<bool>,
}

fn draw(rng: &mut Rng) -> Draw {
    // Many clients of one server connection: everybody waits.
    let crowd = rng.percent(20);
    let method = *rng.pick(&[Method::Trust, Method::Password, Method::Scram]);
    let auth = *rng.pick(&[AuthType::Trust, AuthType::Plain, AuthType::ScramSha256]);
    let pool_size = if crowd { 1 } else { rng.between(1, 4) as u32 };
    Draw {
        clients: if crowd { rng.between(5, 9) } else { rng.between(1, 8) },
        pool_size,
        workers: rng.between(1, 3) as u16,
        max_connections: rng.between(u64::from(pool_size) + 3, 20) as u32,
        mode: *rng.pick(&[
            PoolMode::Transaction,
            PoolMode::Transaction,
            PoolMode::Transaction,
            PoolMode::Session,
            PoolMode::Statement,
        ]),
        statements_max: *rng.pick(&[2, 3, 200]),
        focus: if rng.percent(50) { Some(*rng.pick(&FOCI)) } else { None },
        cancel_percent: *rng.pick(&[6, 6, 30]),
        method,
        auth,
        verifiers: method != Method::Password && auth != AuthType::Trust && rng.percent(50),
        own_steward: rng.percent(60),
        told_room: rng.percent(70),
        side: None,
    }
}

fn postgres(rng: &mut Rng, draw: &Draw) -> Postgres {
    let role = |superuser| Role { password: PASSWORD.to_owned(), superuser, limit: None };
    let roles = [("alice", false), ("bob", false), ("root", true)];
    let setup = Setup {
        max_connections: draw.max_connections,
        superuser_reserved: 3,
        method: draw.method,
        roles: roles.into_iter().map(|(name, superuser)| (name.to_owned(), role(superuser))).collect(),
        databases: [("app".to_owned(), None), (SIDE.to_owned(), None)].into(),
        report_late: rng.percent(70),
    };
    Postgres::new(setup, rng.fork())
}

fn config(draw: &Draw, usable: u32, rng: &mut Rng) -> Config {
    let mut config = Config::for_tests();
    if draw.told_room {
        config.proxy.max_db_connections = Limit(Some(usable));
    }
    config.proxy.auth_type = draw.auth;
    config.proxy.scram_iterations = ROUNDS;
    config.proxy.workers = u32::from(draw.workers);
    config.proxy.max_prepared_statements = draw.statements_max;
    config.proxy.server_round_robin = rng.percent(20);
    let mut database = Database { server: "main".into(), ..Database::with_defaults("app".into()) };
    database.pool_mode = Own(Some(draw.mode));
    database.pool_size = Own(Some(draw.pool_size));
    if let Some(forced) = draw.side {
        config.add_database(side(database.clone(), forced));
    }
    config.add_database(database);
    let stored = if draw.verifiers { verifier().stored_text().to_string() } else { PASSWORD.to_owned() };
    for name in ["alice", "bob"] {
        let password = Some(model::config::checked::SecretText::new(stored.clone()));
        config.add_user(User { password, ..User::with_defaults(name.into()) });
    }
    config
}

/// The database that is dropped where any is. `forced`: it keeps connections though nobody is there to use them.
fn side(like: Database, forced: bool) -> Database {
    let mut side = Database { name: SIDE.into(), dbname: Some(SIDE.into()), ..like };
    if forced {
        side.user = Some("alice".into());
        side.password = Some(model::config::checked::SecretText::new(PASSWORD.into()));
        side.min_pool_size = Own(Some(2));
    }
    side
}

fn guest(rng: &mut Rng, index: u64, kind: Kind, draw: &Draw, report_late: bool) -> Guest {
    let token = format!("k{index}");
    let mut settings = Vec::new();
    if rng.percent(30) {
        settings.push(("TimeZone".to_owned(), format!("Home/{token}")));
    }
    if rng.percent(50) {
        settings.push(("application_name".to_owned(), format!("app {token}")));
    }
    if rng.percent(15) {
        settings.push(("client_encoding".to_owned(), "LATIN1".to_owned()));
    }
    if rng.percent(20) {
        settings.push(("search_path".to_owned(), format!("home_{token}")));
    }
    let lasting = kind == Kind::Direct || draw.mode == PoolMode::Session;
    let taste = Taste {
        blocks: draw.mode != PoolMode::Statement || kind == Kind::Direct,
        own_settings: !settings.is_empty(),
        cancels: matches!(kind, Kind::Cancels | Kind::Troubled | Kind::Upheaval)
            || (kind == Kind::Direct && rng.percent(50)),
        rude: kind != Kind::Calm,
        alters: kind != Kind::Direct && draw.mode != PoolMode::Session,
        cancel_percent: draw.cancel_percent,
        focus: draw.focus,
        careful: rng.percent(40) || std::env::var_os("SIM_CAREFUL").is_some(),
        length: rng.between(1, 14),
    };
    let script = Writer::write(rng.fork(), taste, &token);
    let visit = Visit {
        token,
        user: (*rng.pick(&["alice", "alice", "alice", "bob"])).to_owned(),
        database: "app".to_owned(),
        password: PASSWORD.to_owned(),
        settings,
        lasting,
        report_late,
    };
    Guest { visit, script }
}

/// Builds a world, runs it, and judges what is left.
pub(crate) fn play(kind: Kind, seed: u64, fault: Option<Fault>) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let mut draw = draw(&mut rng);
    if kind == Kind::Upheaval {
        draw.side = Some(rng.percent(50));
        draw.own_steward = true;
        draw.max_connections = 30;
    }
    let postgres = postgres(&mut rng, &draw);
    let report_late = postgres.setup.report_late;
    let usable = postgres.setup.max_connections - postgres.setup.superuser_reserved;
    let proxy = (kind != Kind::Direct).then(|| {
        let config = Arc::new(config(&draw, usable, &mut rng));
        let steward = if draw.own_steward {
            Office::own(config.clone(), draw.workers, &mut rng)
        } else {
            Office::Plain(Control::new(config.clone(), usable, draw.workers, rng.fork()))
        };
        let mut proxy = Proxy::new(&config, steward, draw.workers, &mut rng);
        proxy.books.every = if seed.is_multiple_of(3) { 1 } else { 7 };
        proxy.plant(fault);
        proxy.recorder.on = seed.is_multiple_of(2);
        proxy
    });
    let mut world = World::new(rng.fork(), vec![postgres], proxy);
    for index in 0..draw.clients {
        let guest = guest(&mut rng, index, kind, &draw, report_late);
        world.guests.push(guest);
    }
    if kind == Kind::Upheaval {
        upset(&mut world, &draw, &mut rng);
        if seed.is_multiple_of(4) {
            add_troubles(&mut world, &mut rng);
        }
    }
    if kind == Kind::Direct {
        world.servers[0].setup.max_connections = 100;
    }
    if kind == Kind::Troubled {
        add_troubles(&mut world, &mut rng);
    }
    let outcome = world.run(600_000_000);
    if std::env::var_os("SIM_STATS").is_some() {
        let answers: u64 = world.clients.values().map(|client| client.answers).sum();
        eprintln!(
            "seed {seed}: {} steps, {answers} answers, {} us, outcomes {:?}",
            world.steps, world.now, world.outcomes
        );
    }
    outcome?;
    world.check_rows()?;
    world.check_recording()?;
    if kind == Kind::Upheaval && !world.hurt && world.upheavals == 0 {
        return Err("nobody was upset".into());
    }
    if let Some(proxy) = &mut world.proxy {
        proxy.control.agrees(world.now)?;
    }
    let knew = draw.told_room || !draw.own_steward;
    if !world.hurt && knew && !world.servers[0].refused_full.is_empty() {
        return Err(format!("logins were refused: {:?}", world.servers[0].refused_full));
    }
    Ok(())
}

/// Most guests use a database that the last one drops, renames and copies.
fn upset(world: &mut World, draw: &Draw, rng: &mut Rng) {
    for guest in &mut world.guests {
        if rng.percent(80) {
            guest.visit.database = SIDE.to_owned();
        }
    }
    let token = format!("k{}", world.guests.len());
    let taste = Taste {
        blocks: false,
        own_settings: false,
        cancels: false,
        rude: rng.percent(30),
        alters: false,
        cancel_percent: 0,
        focus: None,
        careful: true,
        length: rng.between(1, 5),
    };
    let script = Writer::upheaval(rng.fork(), taste, &token, SIDE);
    let visit = Visit {
        token,
        user: "bob".to_owned(),
        database: "app".to_owned(),
        password: PASSWORD.to_owned(),
        settings: Vec::new(),
        lasting: draw.mode == PoolMode::Session,
        report_late: world.servers[0].setup.report_late,
    };
    world.guests.push(Guest { visit, script });
}

fn add_troubles(world: &mut World, rng: &mut Rng) {
    world.hurt = true;
    if rng.percent(30) {
        world.px().dial_failures = rng.below(60);
    }
    for _ in 0..rng.between(1, 5) {
        let when = rng.below(120_000);
        let away = rng.below(80_000);
        let trouble = match rng.below(12) {
            10 => Trouble::Squeeze(0, 5 + rng.below(6) as u32),
            0..=3 => Trouble::Kill(0),
            4 => Trouble::Restart(0, away),
            5..=6 => Trouble::Cut,
            7 => Trouble::Operator(Operator::Reconnect),
            8 => Trouble::Operator(Operator::Reload),
            _ => {
                let later = when + rng.below(50_000);
                world.troubles.push((later, Trouble::Operator(Operator::Resume)));
                Trouble::Operator(Operator::Pause)
            }
        };
        world.troubles.push((when, trouble));
    }
}
