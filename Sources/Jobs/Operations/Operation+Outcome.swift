extension Operation.State {
  /// How an operation ended whose job ended so.
  package init(_ status: JobStatus) {
    self =
      switch status {
      case .ok: .succeeded
      case .partial: .partial
      case .failed: .failed
      }
  }
}
