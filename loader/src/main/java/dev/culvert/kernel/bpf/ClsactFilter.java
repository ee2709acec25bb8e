// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import dev.culvert.kernel.Libc;
import dev.culvert.kernel.netlink.ProgramReference;
import dev.culvert.kernel.netlink.TrafficControl;
import dev.culvert.kernel.netlink.TrafficControl.Filter;
import dev.culvert.kernel.netlink.TrafficControl.Place;
import java.nio.file.Path;
import java.util.Optional;

/**
 * See {@link Link}. A direct-action bpf filter in the clsact qdisc, for kernels without tcx.
 *
 * <p>It has a priority and a handle of its own, and a name that says whose it is; nothing else on
 * the interface is touched. The qdisc stays after {@link #detach()}: it costs nothing while empty,
 * and between a look whether it is empty and its removal somebody could come to use it.
 */
final class ClsactFilter implements Link {
  // The kernel gives 0xc000 and lower to filters that ask for no priority: ours runs after them, as
  // a tcx link would.
  static final int PRIORITY = 0xcc00;
  static final int HANDLE = 0xc1;
  private static final String OWNER = "culvert:";

  private static final Optional<String> INGRESS_QDISC = Optional.of("ingress");
  private static final int KERNEL_NAME_CHARACTERS = 15;

  private final TrafficControl tc;
  private final Place place;
  private final String name;

  private ClsactFilter(TrafficControl tc, int interfaceIndex, Direction direction, String program) {
    this.tc = tc;
    this.place = new Place(interfaceIndex, direction == Direction.EGRESS, PRIORITY, HANDLE);
    this.name = OWNER + program.substring(0, Math.min(KERNEL_NAME_CHARACTERS, program.length()));
  }

  static ClsactFilter attach(
      Libc libc, BpfProgram program, int interfaceIndex, Direction direction) {
    TrafficControl tc = TrafficControl.open(libc);
    boolean attached = false;
    try {
      ClsactFilter filter = new ClsactFilter(tc, interfaceIndex, direction, program.name());
      filter.attach(program);
      attached = true;
      return filter;
    } finally {
      if (!attached) {
        tc.close();
      }
    }
  }

  private void attach(BpfProgram program) {
    makeQdisc();
    Optional<Filter> present = tc.find(place);
    if (present.isEmpty()) {
      tc.add(place, reference(program));
    } else if (present.get().name().equals(name)) {
      tc.replace(place, reference(program));
    } else {
      throw failed("RTM_NEWTFILTER", Errno.EEXIST, held(present.get()));
    }
  }

  private static String held(Filter filter) {
    String whose = filter.name().isEmpty() ? filter.kind() : filter.name();
    return "the filter \"" + whose + "\" holds its priority and handle: remove that";
  }

  static Optional<Link> find(Libc libc, String program, int interfaceIndex, Direction direction) {
    TrafficControl tc = TrafficControl.open(libc);
    boolean found = false;
    try {
      ClsactFilter filter = new ClsactFilter(tc, interfaceIndex, direction, program);
      found = filter.ours().isPresent();
      return found ? Optional.of(filter) : Optional.empty();
    } finally {
      if (!found) {
        tc.close();
      }
    }
  }

  /**
   * An ingress qdisc stands in the same place, and would take an egress filter for an ingress one.
   */
  private void makeQdisc() {
    boolean ours = tc.addClsact(place.interfaceIndex());
    if (!ours && place.egress() && tc.qdisc(place.interfaceIndex()).equals(INGRESS_QDISC)) {
      throw failed(
          "RTM_NEWQDISC",
          Errno.EEXIST,
          "the interface has an ingress qdisc, which knows no egress: replace it by clsact");
    }
  }

  /** What the kernel has at our priority and handle, if it is ours. */
  private Optional<Filter> ours() {
    return tc.find(place).filter(filter -> filter.name().equals(name));
  }

  private ProgramReference reference(BpfProgram program) {
    return new ProgramReference(program.fd(), name);
  }

  @Override
  public void replace(BpfProgram program) {
    if (ours().isEmpty()) {
      throw failed(
          "RTM_NEWTFILTER", Errno.ENOLINK, "the filter is gone, or its interface is: attach anew");
    }
    tc.replace(place, reference(program));
  }

  @Override
  public void pin(Path path) {
    // The qdisc holds the filter, and the filter its program: it lives on without us.
  }

  @Override
  public int interfaceIndex() {
    return place.interfaceIndex();
  }

  @Override
  public int programId() {
    return ours()
        .map(Filter::programId)
        .orElseThrow(() -> failed("RTM_GETTFILTER", Errno.ENOENT, "the filter is gone"));
  }

  @Override
  public void detach() {
    if (ours().isPresent()) {
      boolean _ = tc.remove(place);
    }
  }

  @Override
  public void close() {
    tc.close();
  }

  @Override
  public String toString() {
    return "the clsact filter " + name + " at " + place;
  }

  private KernelException failed(String call, Errno errno, String hint) {
    return new KernelException(call, toString(), errno.number(), hint);
  }
}
