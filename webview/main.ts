/** Where the page starts: elements, styles, then the parts; the host is asked for the state once they stand. */
import { App } from './app';
import { addStyles } from './styles';
import { registerToolkit } from './toolkit';

registerToolkit();
addStyles();
const root = document.createElement('div');
root.id = 'root';
document.body.append(root);
void new App(root).start();
