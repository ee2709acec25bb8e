// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.cni;

import dev.culvert.control.LeaseStoreException;
import dev.culvert.control.OverlayBusyException;
import dev.culvert.datapath.InterfaceExistsException;
import dev.culvert.datapath.NoSuchContainerException;
import dev.culvert.datapath.OutsideSubnetException;
import dev.culvert.datapath.PoolExhaustedException;
import dev.culvert.datapath.TakenException;
import dev.culvert.kernel.RefusedException;
import java.io.UncheckedIOException;

/** A call that cannot be, or cannot be now, with the number that the runtime is told. */
final class CniException extends RefusedException {
  private static final long serialVersionUID = 1;

  private final CniCode code;

  CniException(CniCode code, String message) {
    super(message);
    this.code = code;
  }

  private CniException(CniCode code, RuntimeException cause) {
    super(cause.getMessage(), cause);
    this.code = code;
  }

  CniCode code() {
    return code;
  }

  /** What the overlay or the kernel refused, as CNI calls it. */
  static CniException of(RuntimeException e) {
    return switch (e) {
      case CniException told -> told;
      case NoSuchContainerException _ -> new CniException(CniCode.UNKNOWN_CONTAINER, e);
      case InterfaceExistsException _ -> new CniException(CniCode.INTERFACE_EXISTS, e);
      case OutsideSubnetException _ -> new CniException(CniCode.INVALID_CONFIGURATION, e);
      case TakenException _ -> new CniException(CniCode.ADDRESS_TAKEN, e);
      case PoolExhaustedException _ -> new CniException(CniCode.TRY_AGAIN_LATER, e);
      case OverlayBusyException _ -> new CniException(CniCode.TRY_AGAIN_LATER, e);
      case LeaseStoreException _ -> new CniException(CniCode.TRY_AGAIN_LATER, e);
      case UncheckedIOException _ -> new CniException(CniCode.IO_FAILURE, e);
      default -> new CniException(CniCode.REFUSED, e);
    };
  }
}
