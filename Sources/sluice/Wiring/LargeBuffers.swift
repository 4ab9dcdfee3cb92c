import CMalloc

/// Configures how the C library allocates large blocks of memory.
enum LargeBuffers {
  /// The size in bytes from which a block gets a memory mapping of its own.
  private static let mappedBytes: Int32 = 1 << 20

  /// Makes the C library return large buffers to the system as soon as they are freed.
  ///
  /// By default glibc raises this threshold, up to 32 MiB, when a mapped block is freed. The lake's buffers of 8 MiB
  /// would then come from the heaps of threads, which cannot shrink below a small block that is still in use.
  static func returnWhenFreed() {
    _ = mallopt(M_MMAP_THRESHOLD, mappedBytes)
  }
}
