// SPDX-License-Identifier: Apache-2.0
/**
 * The commands. Those that show something read the pinned maps and so work while the agent is dead;
 * those that change something ask the agent over its socket.
 */
package dev.culvert.agent.cli;
