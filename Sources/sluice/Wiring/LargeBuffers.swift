import CMalloc

/// How the C library keeps large blocks of memory.
enum LargeBuffers {
  /// Blocks from this size on are mapped one by one, in bytes.
  private static let mappedBytes: Int32 = 1 << 20

  /// Gives large buffers back to the system as soon as they are freed.
  ///
  /// glibc raises this limit by itself, up to 32 MiB, when a mapped block is freed. The lake's buffers of 8 MiB would then
  /// come from its heaps, one for each thread, which keep what lies below a small block that is still in use.
  static func returnWhenFreed() {
    _ = mallopt(M_MMAP_THRESHOLD, mappedBytes)
  }
}
