// SPDX-License-Identifier: Apache-2.0
package dev.culvert.bench;

import dev.culvert.kernel.Libc;
import dev.culvert.kernel.bpf.BpfObject;
import dev.culvert.kernel.bpf.BpfObjectSpec;
import dev.culvert.kernel.bpf.Link;
import dev.culvert.kernel.host.NetNamespace;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The prebuilt object: read (ELF and BTF), loaded (maps, verifier), attached to a loopback device.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ObjectBenchmark {
  private static final String OBJECT = "dev/culvert/bpf/culvert.bpf.o";
  private static final int LOOPBACK = 1;

  private final Libc libc = Libc.system();
  private final String namespaceName = "culvert-bench-" + ProcessHandle.current().pid();
  private byte[] bytes;
  private BpfObjectSpec spec;
  private BpfObject loaded;
  private NetNamespace namespace;

  /** A namespace of our own: nothing is attached to the machine's devices. */
  @Setup
  public void load() throws IOException {
    try (InputStream in = ObjectBenchmark.class.getClassLoader().getResourceAsStream(OBJECT)) {
      bytes = in.readAllBytes();
    }
    spec = BpfObjectSpec.parse(bytes, OBJECT);
    loaded = BpfObject.load(libc, spec, Map.of());
    namespace = NetNamespace.create(libc, namespaceName);
  }

  @TearDown
  public void close() {
    loaded.close();
    namespace.close();
    NetNamespace.delete(libc, namespaceName);
  }

  @Benchmark
  public BpfObjectSpec parse() {
    return BpfObjectSpec.parse(bytes, OBJECT);
  }

  @Benchmark
  public void loadAndClose() {
    BpfObject.load(libc, spec, Map.of()).close();
  }

  /** With the thread that enters the namespace, which costs the most of it. */
  @Benchmark
  public void attachAndDetach() {
    namespace.run(() -> {
      Link.attachTc(libc, loaded.program("from_container"), LOOPBACK, Link.Direction.INGRESS)
          .close();
      return null;
    });
  }

  /** Entering the namespace alone. */
  @Benchmark
  public Object enter() {
    return namespace.run(() -> null);
  }
}
