extension Duration {
  /// The duration in seconds, as exactly as a `Double` holds it.
  package var seconds: Double { self / .seconds(1) }

  /// The duration in seconds, rounded to milliseconds: for reports and logs.
  package var secondsToMilliseconds: Double { (seconds * 1000).rounded() / 1000 }
}
