// SPDX-License-Identifier: Apache-2.0
/** The agent itself: joins, answers its socket, and ends as it was told to. */
package dev.culvert.agent.daemon;
