use opentelemetry_sdk::trace::SdkTracerProvider;

use super::*;

fn sampler(ratio: f64) -> Sampler {
    let tls = crate::tls::without_authorities().unwrap();
    let endpoint = "http://127.0.0.1:4318/v1/traces".parse().unwrap();
    let options = TraceOptions { endpoint, tls, ratio };
    let provider = SdkTracerProvider::builder().build();
    Sampler::new(&options, opentelemetry::trace::TracerProvider::tracer(&provider, "test"))
}

fn caller(flags: u8) -> Option<TraceParent> {
    TraceParent::new(1, 2, flags)
}

#[test]
fn the_ends_of_the_ratio_are_exact() {
    assert!((0..1_000).all(|_| !sampler(0.0).decide(None)));
    assert!((0..1_000).all(|_| sampler(1.0).decide(None)));
}

#[test]
fn a_ratio_is_a_share_of_what_begins_here() {
    let quarter = sampler(0.25);
    let recorded = (0..10_000).filter(|_| quarter.decide(None)).count();
    // Twenty standard deviations on each side.
    assert!((1_600..3_400).contains(&recorded), "{recorded}");
}

#[test]
fn callers_decide_for_their_traces_but_not_without_bound() {
    let sampler = sampler(0.0);
    assert!(!sampler.decide(caller(0)), "the caller does not record it");
    let admitted = (0..TRACE_CALLERS.burst * 3).filter(|_| sampler.decide(caller(1))).count();
    let burst = usize::try_from(TRACE_CALLERS.burst).unwrap();
    assert!((burst..burst * 3).contains(&admitted), "{admitted} of {}", TRACE_CALLERS.burst * 3);
}

#[test]
fn a_place_in_a_trace_survives_the_library() {
    let place = TraceParent::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7, 1).unwrap();
    assert_eq!(of_context(&context_of(place, true)), Some(place));
}

#[test]
fn without_an_exporter_nothing_is_recorded() {
    assert!(!is_on() && !is_sampled(caller(1)) && !is_followed(caller(1)));
    assert_eq!(current(), None);
    assert!(BatchSpans::begin(1, [caller(1)].into_iter()).is_none());
    assert!(failed("send", caller(1), Duration::ZERO, "why").is_none());
}
