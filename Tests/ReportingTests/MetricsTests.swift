import Testing

@testable import Reporting

@Suite("The metrics")
struct MetricsTests {
  private func metrics() -> Metrics {
    let metrics = Metrics()
    metrics.add(2, to: .archives, [("kind", "backup"), ("status", "ok")])
    metrics.add(3, to: .archives, [("kind", "backup"), ("status", "ok")])
    metrics.add(1, to: .archives, [("kind", "restore"), ("status", "failed")])
    metrics.set(1.5, of: .lastSuccess, [("table", "a.\"b\\\nc")])
    metrics.set(2.5, of: .lastSuccess, [("table", "a.\"b\\\nc")])
    for seconds in [0.05, 0.1, 2, 99_999] { metrics.observe(seconds, in: .duration, [("kind", "backup")]) }
    return metrics
  }

  @Test("OpenMetrics names a counter's family without _total, and ends with EOF")
  func openMetrics() {
    let text = metrics().text(.openMetrics, with: [.init(.lakeUp, [], 1)])
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains("# TYPE sluice_archives_processed counter"))
    #expect(lines.contains(#"sluice_archives_processed_total{kind="backup",status="ok"} 5"#))
    #expect(lines.contains(#"sluice_archives_processed_total{kind="restore",status="failed"} 1"#))
    #expect(lines.contains(#"sluice_last_success_timestamp_seconds{table="a.\"b\\\nc"} 2.5"#))
    #expect(lines.contains("sluice_lake_up 1"))
    #expect(text.hasSuffix("\n# EOF\n"))
  }

  @Test("The form of Prometheus declares the counter's own name, and has no end")
  func prometheus() {
    let text = metrics().text(.prometheus)
    #expect(text.contains("# TYPE sluice_archives_processed_total counter\n"))
    #expect(!text.contains("# EOF"))
    #expect(Metrics.Form(accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5") == .openMetrics)
    #expect(Metrics.Form(accept: "text/plain") == .prometheus && Metrics.Form(accept: nil) == .prometheus)
  }

  @Test("A histogram's buckets add up to its count")
  func histogram() {
    let lines = metrics().text(.openMetrics).split(separator: "\n").map(String.init)
    let buckets = lines.filter { $0.hasPrefix("sluice_archive_duration_seconds_bucket") }
    #expect(buckets.count == Metric.buckets.count + 1)
    #expect(buckets.first == #"sluice_archive_duration_seconds_bucket{kind="backup",le="0.1"} 2"#)
    #expect(buckets[2] == #"sluice_archive_duration_seconds_bucket{kind="backup",le="1"} 2"#)
    #expect(buckets[3] == #"sluice_archive_duration_seconds_bucket{kind="backup",le="5"} 3"#)
    #expect(buckets.last == #"sluice_archive_duration_seconds_bucket{kind="backup",le="+Inf"} 4"#)
    #expect(lines.contains(#"sluice_archive_duration_seconds_count{kind="backup"} 4"#))
    #expect(lines.contains(#"sluice_archive_duration_seconds_sum{kind="backup"} 100001.15"#))
  }
}
