// SPDX-License-Identifier: Apache-2.0
package dev.culvert.control;

/**
 * What the overlay's threads survived and the process perhaps should not: a {@link LinkageError}
 * says that its class path is not what it was (files replaced by an upgrade), and each class not
 * loaded yet will fail like this one. It is handed to the thread's uncaught exception handler, as
 * if it had ended the thread; what follows from it is the process's business.
 */
final class Survivors {
  private Survivors() {}

  static void tell(Throwable survived) {
    if (survived instanceof LinkageError) {
      Thread thread = Thread.currentThread();
      thread.getUncaughtExceptionHandler().uncaughtException(thread, survived);
    }
  }
}
