"""What people see, as Block Kit: pure functions from frozen values to messages and views."""
