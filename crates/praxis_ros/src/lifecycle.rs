use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use r2r::QosProfile;
use r2r::lifecycle_msgs::msg;
use r2r::lifecycle_msgs::srv::{
    ChangeState, GetAvailableStates, GetAvailableTransitions, GetState,
};

use crate::clock::Clock;
use crate::error::RosError;
use crate::node::{Node, Publisher, StopFlag};

/// Primary state of a node (REP-2002, `lifecycle_msgs/State`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Started, nothing loaded.
    Unconfigured = 1,
    /// Loaded, does nothing.
    Inactive = 2,
    /// At work.
    Active = 3,
    /// Ended for good.
    Finalized = 4,
}

impl State {
    const ALL: [Self; 4] = [Self::Unconfigured, Self::Inactive, Self::Active, Self::Finalized];

    fn label(self) -> &'static str {
        match self {
            Self::Unconfigured => "unconfigured",
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Finalized => "finalized",
        }
    }

    fn to_msg(self) -> msg::State {
        msg::State { id: self as u8, label: self.label().to_owned() }
    }
}

/// Reads a node's state from any thread.
#[derive(Clone, Debug)]
pub struct StateHandle(Arc<AtomicU8>);

impl StateHandle {
    /// Whether the node is at work.
    pub fn is_active(&self) -> bool {
        self.0.load(Ordering::SeqCst) == State::Active as u8
    }
}

/// What a node does at its transitions, on the thread that spins; an error keeps it where it was.
pub trait Transitions {
    /// Loads what the node needs.
    fn configure(&mut self) -> Result<(), String> {
        Ok(())
    }
    /// Begins to work.
    fn activate(&mut self) -> Result<(), String> {
        Ok(())
    }
    /// Ceases to work; what moves is brought to rest first.
    fn deactivate(&mut self) -> Result<(), String> {
        Ok(())
    }
    /// Lets go of what was loaded.
    fn cleanup(&mut self) -> Result<(), String> {
        Ok(())
    }
}

struct Transition {
    id: u8,
    label: &'static str,
    from: State,
    to: State,
    act: fn(&mut dyn Transitions) -> Result<(), String>,
}

/// Ids of `lifecycle_msgs/Transition`.
const TRANSITIONS: [Transition; 7] = [
    Transition {
        id: 1,
        label: "configure",
        from: State::Unconfigured,
        to: State::Inactive,
        act: |t| t.configure(),
    },
    Transition {
        id: 2,
        label: "cleanup",
        from: State::Inactive,
        to: State::Unconfigured,
        act: |t| t.cleanup(),
    },
    Transition {
        id: 3,
        label: "activate",
        from: State::Inactive,
        to: State::Active,
        act: |t| t.activate(),
    },
    Transition {
        id: 4,
        label: "deactivate",
        from: State::Active,
        to: State::Inactive,
        act: |t| t.deactivate(),
    },
    Transition {
        id: 5,
        label: "shutdown",
        from: State::Unconfigured,
        to: State::Finalized,
        act: |_| Ok(()),
    },
    Transition {
        id: 6,
        label: "shutdown",
        from: State::Inactive,
        to: State::Finalized,
        act: |t| t.cleanup(),
    },
    Transition {
        id: 7,
        label: "shutdown",
        from: State::Active,
        to: State::Finalized,
        act: |t| t.deactivate().and_then(|()| t.cleanup()),
    },
];

impl Transition {
    fn to_msg(&self) -> msg::Transition {
        msg::Transition { id: self.id, label: self.label.to_owned() }
    }

    fn describe(&self) -> msg::TransitionDescription {
        msg::TransitionDescription {
            transition: self.to_msg(),
            start_state: self.from.to_msg(),
            goal_state: self.to.to_msg(),
        }
    }
}

/// The state machine behind the services.
pub struct Lifecycle {
    state: Arc<AtomicU8>,
    transitions: Box<dyn Transitions>,
    events: Publisher<msg::TransitionEvent>,
    clock: Clock,
    stop: StopFlag,
}

impl Lifecycle {
    fn state(&self) -> State {
        let id = self.state.load(Ordering::SeqCst);
        State::ALL.into_iter().find(|state| *state as u8 == id).unwrap_or(State::Finalized)
    }

    fn change(&mut self, id: u8, label: &str) -> Result<(), String> {
        let from = self.state();
        let by_id =
            |t: &&Transition| t.from == from && (t.id == id || (id == 0 && t.label == label));
        let transition = TRANSITIONS.iter().find(by_id).ok_or_else(|| {
            format!("transition {id} '{label}' does not start in state {}", from.label())
        })?;
        (transition.act)(&mut *self.transitions)?;
        self.state.store(transition.to as u8, Ordering::SeqCst);
        self.events.publish(&msg::TransitionEvent {
            timestamp: self.clock.now().nanoseconds.max(0) as u64,
            transition: transition.to_msg(),
            start_state: from.to_msg(),
            goal_state: transition.to.to_msg(),
        });
        tracing::info!(transition = transition.label, state = transition.to.label(), "lifecycle");
        if transition.to == State::Finalized {
            self.stop.stop();
        }
        Ok(())
    }
}

impl Node {
    /// Gives the node the standard lifecycle services. With `autostart` it configures and
    /// activates itself at the first spin; if that fails it says why, and stays where it is.
    /// When the spin ends an active node is deactivated.
    pub fn lifecycle(
        &mut self,
        name: &str,
        clock: &Clock,
        autostart: bool,
        transitions: impl Transitions + 'static,
    ) -> Result<StateHandle, RosError> {
        let state = Arc::new(AtomicU8::new(State::Unconfigured as u8));
        let events = self.publisher(&format!("{name}/transition_event"), QosProfile::default())?;
        let machine = Rc::new(RefCell::new(Lifecycle {
            state: state.clone(),
            transitions: Box::new(transitions),
            events,
            clock: clock.clone(),
            stop: self.stop_flag(),
        }));

        let ours = machine.clone();
        self.serve::<ChangeState::Service>(&format!("{name}/change_state"), move |request| {
            let asked = &request.message.transition;
            let done = ours.borrow_mut().change(asked.id, &asked.label);
            if let Err(reason) = &done {
                tracing::error!(transition = %asked.label, id = asked.id, %reason, "no transition");
            }
            request.respond(ChangeState::Response { success: done.is_ok() });
        })?;
        let ours = machine.clone();
        self.serve::<GetState::Service>(&format!("{name}/get_state"), move |request| {
            let current_state = ours.borrow().state().to_msg();
            request.respond(GetState::Response { current_state });
        })?;
        self.serve::<GetAvailableStates::Service>(
            &format!("{name}/get_available_states"),
            move |request| {
                let available_states = State::ALL.iter().map(|state| state.to_msg()).collect();
                request.respond(GetAvailableStates::Response { available_states });
            },
        )?;
        let ours = machine.clone();
        self.serve::<GetAvailableTransitions::Service>(
            &format!("{name}/get_available_transitions"),
            move |request| {
                let from = ours.borrow().state();
                let here = TRANSITIONS.iter().filter(|t| t.from == from);
                let available_transitions = here.map(Transition::describe).collect();
                request.respond(GetAvailableTransitions::Response { available_transitions });
            },
        )?;
        self.serve::<GetAvailableTransitions::Service>(
            &format!("{name}/get_transition_graph"),
            move |request| {
                let available_transitions = TRANSITIONS.iter().map(Transition::describe).collect();
                request.respond(GetAvailableTransitions::Response { available_transitions });
            },
        )?;

        let ours = machine.clone();
        self.at_end(move || {
            let mut machine = ours.borrow_mut();
            if machine.state() == State::Active
                && let Err(reason) = machine.change(4, "deactivate")
            {
                tracing::error!(%reason, "the node ends without a clean deactivation");
            }
        });
        if autostart {
            self.at_start(move || {
                let mut machine = machine.borrow_mut();
                for (id, label) in [(1, "configure"), (3, "activate")] {
                    if let Err(reason) = machine.change(id, label) {
                        tracing::error!(transition = label, %reason, "autostart failed");
                        return;
                    }
                }
            });
        }
        Ok(StateHandle(state))
    }
}
