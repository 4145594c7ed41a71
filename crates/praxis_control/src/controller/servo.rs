//! Going as servo input says.

use super::{Controller, ControllerState, StepInputs};
use crate::gate::copy_sample;

impl Controller {
    /// Begins to servo from a stand, once fresh input wants something to move.
    pub(super) fn begin_servo(&mut self, inputs: &StepInputs<'_>) {
        let fresh = inputs.servo.filter(|wish| wish.age_s <= self.config.servo_timeout_s);
        let Some(wish) = fresh.filter(|wish| wish.velocity.iter().any(|&v| v != 0.0)) else {
            self.servo_is_locked &= fresh.is_some();
            return;
        };
        let sound = wish.velocity.len() == self.target.velocity.len();
        if self.state == ControllerState::Hold && sound && !self.servo_is_locked {
            self.state = ControllerState::Servo;
        }
    }

    /// One period towards the wanted velocities, jerk-limited; without input a brake, then a hold.
    pub(super) fn servo(&mut self, dt_s: f64, inputs: &StepInputs<'_>) {
        let limit_s = self.config.servo_timeout_s;
        let wish = inputs.servo.filter(|wish| {
            wish.age_s <= limit_s && wish.velocity.len() == self.target.velocity.len()
        });
        let Some(wish) = wish else {
            self.gate.step_stopping(dt_s);
            copy_sample(self.gate.sample(), &mut self.target);
            if self.gate.is_at_rest() {
                self.state = ControllerState::Hold;
            }
            return;
        };
        let now = self.gate.sample();
        for (joint, &velocity) in wish.velocity.iter().enumerate() {
            // Where the present velocity leads: only the velocity is followed.
            self.target.position[joint] = now.position[joint] + dt_s * now.velocity[joint];
            self.target.velocity[joint] = self.scaling * velocity;
            self.target.acceleration[joint] = 0.0;
        }
        let wants_rest = wish.velocity.iter().all(|&velocity| velocity == 0.0);
        if wants_rest {
            self.gate.step_stopping(dt_s);
        } else {
            self.gate.step_towards(&self.target, dt_s);
        }
    }
}
