@echo off
rem As the file qcow2 beside this one.
setlocal
if not exist "%QCOW2_RUNTIME%" set "QCOW2_RUNTIME=node"
set ELECTRON_RUN_AS_NODE=1
"%QCOW2_RUNTIME%" "%~dp0..\dist\cli.js" %*
exit /b %ERRORLEVEL%
