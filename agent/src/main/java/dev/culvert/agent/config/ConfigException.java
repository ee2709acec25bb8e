// SPDX-License-Identifier: Apache-2.0
package dev.culvert.agent.config;

import dev.culvert.agent.UserException;

/**
 * The configuration file is wrong. The message names the file, the line, the key and what to try.
 */
public final class ConfigException extends UserException {
  private static final long serialVersionUID = 1;

  ConfigException(String message) {
    super(message);
  }

  ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
