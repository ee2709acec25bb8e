// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.userspace;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * Where one tunnel's packet memory comes from: netty's pool, one arena, no caches by thread, since
 * all of it is taken when a tunnel opens and given back when it closes.
 */
final class Buffers implements AutoCloseable {
  private static final int PAGE_BYTES = 8192;

  /** Chunks of 8 KiB times 2^9: 4 MiB. */
  private static final int CHUNK_ORDER = 9;

  private final PooledByteBufAllocator pool =
      new PooledByteBufAllocator(true, 0, 1, PAGE_BYTES, CHUNK_ORDER, 0, 0, false);
  private final List<ByteBuf> taken = new ArrayList<>();

  PacketBuffer take(int bytes) {
    ByteBuf buffer = pool.directBuffer(bytes, bytes);
    taken.add(buffer);
    return PacketBuffer.of(buffer.nioBuffer(0, bytes));
  }

  PacketBuffer[] take(int count, int bytes) {
    PacketBuffer[] all = new PacketBuffer[count];
    for (int i = 0; i < count; i++) {
      all[i] = take(bytes);
    }
    return all;
  }

  /** Gives everything back: nobody may use it any more. */
  @Override
  public void close() {
    for (ByteBuf buffer : taken) {
      boolean _ = buffer.release();
    }
    taken.clear();
  }
}
