// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.netlink;

import dev.culvert.kernel.Errno;
import dev.culvert.kernel.KernelException;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Requests over one rtnetlink socket, and which refusals are answers: nothing is there, it was gone
 * already, it is taken. Any other is a {@link KernelException}.
 */
final class NetlinkCalls implements AutoCloseable {
  private static final int[] FAMILIES = {AddressMessages.AF_INET, AddressMessages.AF_INET6};

  private final NetlinkSocket socket;

  NetlinkCalls(NetlinkSocket socket) {
    this.socket = socket;
  }

  void execute(NetlinkMessage message, String target) {
    socket.execute(new NetlinkRequest(message, target));
  }

  /** False when something else is there. */
  boolean executeIfFree(NetlinkMessage message, String target) {
    return execute(message, target, refused -> refused.errno() == Errno.EEXIST);
  }

  /** False when there was nothing. */
  boolean executeIfThere(NetlinkMessage message, String target) {
    return execute(
        message,
        target,
        refused ->
            refused.errnoNumber() == NetlinkRequest.ESRCH || refused.errno() == Errno.ENOENT);
  }

  /** False when the refusal is harmless. */
  boolean execute(NetlinkMessage message, String target, Predicate<KernelException> harmless) {
    try {
      execute(message, target);
      return true;
    } catch (KernelException refused) {
      if (harmless.test(refused)) {
        return false;
      }
      throw refused;
    }
  }

  /**
   * The first answer to a question; empty when there is none.
   *
   * @param type of the answer
   * @param nothing whether a refusal says that there is none
   */
  Optional<NetlinkReply> one(NetlinkRequest request, int type, Predicate<KernelException> nothing) {
    try {
      return socket.query(request).stream().filter(reply -> reply.type() == type).findFirst();
    } catch (KernelException refused) {
      if (nothing.test(refused)) {
        return Optional.empty();
      }
      throw refused;
    }
  }

  Stream<NetlinkReply> dump(NetlinkMessage message, String target, int type) {
    // Every answer begins with a family's header; one byte of it is read before the whole is.
    return socket.dump(new NetlinkRequest(message, target)).stream()
        .filter(reply -> reply.type() == type)
        .map(reply -> reply.require(1));
  }

  /** Of both families, one after the other; what the kernel tells of a third is left out. */
  Stream<NetlinkReply> dumpBoth(IntFunction<NetlinkMessage> message, String target, int type) {
    return Arrays.stream(FAMILIES)
        .boxed()
        .flatMap(family ->
            dump(message.apply(family), target, type).filter(reply -> reply.u8(0) == family));
  }

  @Override
  public void close() {
    socket.close();
  }
}
