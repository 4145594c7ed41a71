//! A period of the control loop asks the allocator for nothing.
#![allow(unsafe_code, reason = "counting allocations needs an allocator")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Bench, PERIOD_S, READY, request};
use praxis_control::{ControllerState, Guard, Measured, ServoWish, StepInputs, StopReason};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // A drop may wait for the allocator just as an allocation may.
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn following_replacing_stopping_and_holding_allocate_nothing() {
    let mut bench = Bench::holding();
    let first = Box::new(bench.accept(&request(0.3, 1.0)).unwrap());
    let mut late = request(0.3, 1.0);
    late.points.remove(0);
    late.points[0].efforts = vec![1.0; 7];
    let second = Box::new(bench.accept(&late).unwrap());
    let ids = [first.id, second.id];
    let mut motions = [Some(first), Some(second)];

    let (position, velocity, wish) = (READY, [0.0; 7], [0.2; 7]);
    let controller = &mut bench.controller;
    let mut retired = Vec::with_capacity(8);
    let before = ALLOCATIONS.with(Cell::get);
    for period in 0..700 {
        match period {
            10 => controller.start(motions[0].take().unwrap()),
            60 => controller.start(motions[1].take().unwrap()),
            180 => controller.stop(StopReason::StopRequested),
            _ => {}
        }
        // Slowed down, braked and let go by the monitor on the way; servo input at the end.
        let guard = Guard {
            motion: if period < 60 { ids[0] } else { ids[1] },
            rate: if period < 90 { 0.7 } else { 1.0 },
            must_brake: (100..110).contains(&period),
            age_s: 0.0,
        };
        let inputs = StepInputs {
            measured: Some(Measured { position: &position, velocity: &velocity, age_s: 0.0 }),
            heartbeat_age_s: Some(0.0),
            guard: Some(guard),
            servo: (500..600)
                .contains(&period)
                .then_some(ServoWish { velocity: &wish, age_s: 0.0 }),
        };
        controller.step(PERIOD_S, &inputs);
        while controller.take_finished().is_some() {}
        retired.extend(controller.take_retired());
        let is_servoing = controller.state() == ControllerState::Servo;
        assert_eq!(is_servoing, (500..600).contains(&period) || (is_servoing && period < 660));
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocations, 0);
    assert_eq!(retired.len(), 2);
    assert_eq!(controller.state(), ControllerState::Hold);
}
